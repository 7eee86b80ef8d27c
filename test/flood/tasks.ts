/** The tasks of the floods. Each output says which run of which thread it is, so that no run stays hidden. */
import { createHash } from 'node:crypto'
import { threadId } from 'node:worker_threads'
import type { JobContext } from '../../src/worker.js'
import { fillNoise } from './noise.js'

/** Number of the job, thread, how many runs the thread has had with this one, when it began. */
export type Run = readonly [n: number, thread: number, nth: number, at: number]

let runs = 0

export function tiny(n: number): Run {
  return [n, threadId, ++runs, Date.now()]
}

export interface LargeInput {
  readonly n: number
  readonly bytes: Uint8Array
  /** How many bytes to give back. */
  readonly outputBytes: number
}

export interface LargeOutput {
  readonly run: Run
  /** Of the input, as it arrived. */
  readonly inputDigest: string
  readonly bytes: Uint8Array
  /** Of `bytes`, before they went on their way. */
  readonly digest: string
}

export function large({ n, bytes, outputBytes }: LargeInput, { id }: JobContext): LargeOutput {
  const output = fillNoise(new Uint8Array(outputBytes), Number.parseInt(id.slice(-8), 16))
  return { run: tiny(n), inputDigest: digestOf(bytes), bytes: output, digest: digestOf(output) }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
