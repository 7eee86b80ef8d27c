/**
 * Measures the rows of a question, round after round.
 *
 * Each row of each round runs in a process of its own; the rows of a round follow each other at once, and ratios are taken
 * within a round, so that a machine that is slow for a while is slow for both sides.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Measurements } from './answer.js'
import type { Line, Measured, Missing, Question, Row, Run } from './question.js'

const QUESTIONS = new URL('./questions/', import.meta.url)
const ONE_ROW = new URL('./one-row.js', import.meta.url)

export interface Extent {
  readonly rounds: number
  readonly quick: boolean
  /** The long rows too. */
  readonly full: boolean
  /** Only the rows whose names have this in them, and those that they are compared with. */
  readonly only?: string
  /** Called before each measurement. */
  readonly onStep?: (step: Step) => void
}

/** A measurement that begins. Rounds are counted from 1. */
export interface Step {
  readonly row: string
  readonly rows: readonly string[]
  readonly round: number
  readonly rounds: number
}

/** What there is to ask. */
export async function questionNames(): Promise<string[]> {
  const files = await readdir(QUESTIONS)
  return files.filter((file) => file.endsWith('.js')).map((file) => basename(file, '.js'))
}

/** The module of a question that there is. */
export function moduleOf(name: string): URL {
  return new URL(`${name}.js`, QUESTIONS)
}

export async function loadQuestion(module: URL): Promise<Question> {
  const { default: question } = (await import(module.href)) as { default: Question }
  return question
}

export async function measureRounds(module: URL, extent: Extent): Promise<Measurements> {
  const { rounds, quick, full, only = '', onStep } = extent
  const measurements = new Map<string, (Measured | Missing)[]>()
  const question = await loadQuestion(module)
  const common = question.common?.() ?? 0
  const linesOf = (row: Row): Line[] => [row, ...(row.also ?? [])]
  const named = question.rows.filter(
    (row) => (full || !row.isLong) && linesOf(row).some(({ name }) => name.includes(only)),
  )
  const bases = new Set(named.flatMap(linesOf).map(({ against }) => against))
  const rows = question.rows.filter(
    (row) => named.includes(row) || linesOf(row).some(({ name }) => bases.has(name)),
  )
  const names = rows.map(({ name }) => name)
  for (let round = 1; round <= rounds; round++)
    for (const row of rows) {
      onStep?.({ row: row.name, rows: names, round, rounds })
      const known = measurements.get(row.name) ?? []
      measurements.set(row.name, [...known, await measureApart(module, row, { quick, common })])
    }
  return measurements
}

/** Measures one row in a process and a directory of its own. */
async function measureApart(
  module: URL,
  row: Row,
  { quick, common }: Omit<Run, 'directory'>,
): Promise<Measured | Missing> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const task: RowTask = {
    module: module.href,
    row: row.name,
    step: 'measure',
    run: { directory, quick, common },
  }
  try {
    if (row.prepare) await forked({ ...task, step: 'prepare' })
    return await forked(task)
  } finally {
    // A server that a row has started may still be on its way out.
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** What the process of a row is asked to do. */
export interface RowTask {
  /** The question's. */
  readonly module: string
  readonly row: string
  readonly step: 'prepare' | 'measure'
  readonly run: Run
}

async function forked(task: RowTask): Promise<Measured | Missing> {
  const child = fork(ONE_ROW, [JSON.stringify(task)], { execArgv: ['--expose-gc'] })
  let measured: Measured | Missing | undefined
  child.on('message', (message) => {
    measured = message as Measured | Missing
  })
  // Not at its exit: what it sent may still be on its way then.
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0 || measured === undefined)
    throw new Error(`${task.step} of "${task.row}" (${task.module}) ended with code ${code}`)
  return measured
}
