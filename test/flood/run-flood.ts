/** Runs one flood in a process and a directory of its own, and judges what it came to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FloodReport } from './flood-process.js'
import { FLOODS } from './floods.js'

const PROCESS = fileURLToPath(new URL('./flood-process.js', import.meta.url))

export interface FloodRun {
  readonly name: string
  readonly size: number
  readonly seed: number
  /** The longest that it may take before it is taken for stuck, in ms. */
  readonly mostMs: number
}

/** Throws if a job was lost, ran twice or came too early, or if the memory went beyond what is promised. */
export async function runFlood({ name, size, seed, mostMs }: FloodRun): Promise<FloodReport> {
  const base = await mkdtemp(join(tmpdir(), 'millrace-flood-'))
  try {
    const args = [PROCESS, name, String(size), String(seed), join(base, 'queue')]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: mostMs,
      killSignal: 'SIGKILL',
    })
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    const [stdout, stderr, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      ended,
    ])
    const what = `the flood "${name}" of ${size} jobs with seed ${seed}`
    if (code !== 0) throw new Error(`${what} ended with ${signal ?? `code ${code}`}: ${stderr}`)
    const report = JSON.parse(stdout) as FloodReport
    const problems = [...report.problems]
    const most = FLOODS[name]?.mostMegabytes(size) ?? 0
    if (report.peakMegabytes > most)
      problems.push(`it took ${Math.round(report.peakMegabytes)} MB, more than ${Math.round(most)} MB`)
    if (problems.length > 0) throw new Error(`${what}:\n  ${problems.join('\n  ')}`)
    return report
  } finally {
    await rm(base, { recursive: true, force: true, maxRetries: 5 })
  }
}
