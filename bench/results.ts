/** Answers in a file: what each question came to, when, and on what machine. */
import { readFile, writeFile } from 'node:fs/promises'
import { arch, cpus, platform } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Absence, Answer } from './answer.js'
import type { Better, Question } from './question.js'

/** The folder of the committed answers, and of the plots that are drawn from them. */
export const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url))

/** By question. */
export type Results = Readonly<Record<string, Result>>

export interface Result {
  readonly title: string
  readonly how: string
  readonly unit: string
  readonly digits: number
  readonly better: Better
  readonly measured: Circumstances
  readonly answers: readonly Answer[]
  /** The rows that lacked something. */
  readonly absences?: readonly Absence[]
}

export interface Circumstances {
  /** As in 2026-11-25. */
  readonly date: string
  readonly cpu: string
  readonly cpus: number
  readonly node: string
  readonly system: string
  readonly rounds: number
  readonly quick: boolean
}

export function circumstances(rounds: number, quick: boolean): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    node: process.version,
    system: `${platform()} ${arch()}`,
    rounds,
    quick,
  }
}

/** "AMD EPYC, 2 CPUs, Node v20.20.2, linux x64" */
export function machineText({ cpu, cpus, node, system }: Circumstances): string {
  return `${cpu}, ${cpus} CPUs, Node ${node}, ${system}`
}

export function resultOf(
  { title, how, unit, digits = 0, better }: Question,
  answers: readonly Answer[],
  measured: Circumstances,
  absences: readonly Absence[] = [],
): Result {
  return { title, how, unit, digits, better, measured, answers, ...(absences.length > 0 && { absences }) }
}

/** What a file holds; nothing if there is none. */
export async function readResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  return JSON.parse(text) as Results
}

/** Writes answers into a file. Those to other questions, if it has any, stay. */
export async function writeResults(file: string, results: Results): Promise<void> {
  const all = { ...(await readResults(file)), ...results }
  const inOrder = Object.fromEntries(Object.entries(all).sort(([one], [other]) => (one < other ? -1 : 1)))
  await writeFile(file, `${JSON.stringify(inOrder, shortened, 2)}\n`)
}

/** More digits than these are noise. */
function shortened(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value
}
