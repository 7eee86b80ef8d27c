/** What is measured: a queue and a bare Piscina on the same workers, and the load that both are put under. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { Piscina } from 'piscina'
import { JobQueue, type QueueOptions } from '../src/index.js'
import type { Run } from './question.js'

export const NOOP = new URL('../workers/noop.js', import.meta.url)
export const SPIN = new URL('../workers/spin.js', import.meta.url)
export const CLOCK = new URL('./workers/clock.js', import.meta.url)
export const NAP = new URL('./workers/nap.js', import.meta.url)

/** How many threads run jobs, on both sides. */
export const THREADS = Math.min(2, availableParallelism())

type Tasks = {
  noop: (input: unknown) => unknown
  spinRounds: (rounds: number) => unknown
  clock: (input: unknown) => number
  nap: (ms: number) => number
}

/** A queue with the bench's workers; durable to disk unless `options` say otherwise. */
export function openQueue(directory: string, options: Partial<QueueOptions> = {}): Promise<JobQueue<Tasks>> {
  return JobQueue.open<Tasks>(directory, {
    workers: { noop: NOOP, spinRounds: { module: SPIN, export: 'spinRounds' }, clock: CLOCK, nap: NAP },
    maxWorkers: THREADS,
    ...options,
  })
}

/** Piscina by itself, set up for speed. With `atOnce` above 1 a thread is sent further tasks while it works on one. */
export function openPiscina(worker: URL, threads = THREADS, atOnce = 1): Piscina {
  return new Piscina({
    filename: fileURLToPath(worker),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: atOnce,
    recordTiming: false,
  })
}

/** LevelDB by itself, in a new directory below this one; set up as src/store/level/directory/directory.ts sets up millrace's own. */
export async function openLevel(directory: string): Promise<Level<Buffer, Uint8Array>> {
  const db = new Level<Buffer, Uint8Array>(join(directory, 'bare'), {
    keyEncoding: 'buffer',
    valueEncoding: 'view',
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open()
  return db
}

/** A key as long as a job's, for LevelDB by itself. */
export function levelKey(index: number): Buffer {
  const key = Buffer.alloc(13)
  key.writeUInt32BE(index, 9)
  return key
}

/** Enqueues jobs that do nothing, many at a time. With `maxWorkers` 0 they wait. */
export async function fill(queue: JobQueue<Tasks>, jobs: number): Promise<void> {
  for (let added = 0; added < jobs; added += FILL_BATCH)
    await queue.enqueueMany(
      'noop',
      Array.from({ length: Math.min(FILL_BATCH, jobs - added) }, (_, index) => added + index),
    )
}

const FILL_BATCH = 10_000

/** Calls `once` `count` times, at most `width` of them unfinished at any moment. */
export async function pipeline(
  count: number,
  width: number,
  once: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const line = async () => {
    while (next < count) await once(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, line))
}

/** Jobs of no length that go first, few at a time: as many as fit into some seconds, and no more than these. */
const WARM_UP = 20_000
const WARM_UP_WIDTH = 4
const WARM_UP_MS = 10_000

/**
 * Runs jobs of no length, for rows with jobs of some milliseconds: few of those pass in the seconds of a measurement, so that it
 * would be one of code that is still interpreted, and of its compilation. A process that has run for minutes is past that.
 */
export async function warmUp({ quick }: Pick<Run, 'quick'>, once: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + WARM_UP_MS
  await pipeline(quick ? 1000 : WARM_UP, WARM_UP_WIDTH, async () => performance.now() < until && once())
}

/** How many per second: the time that `work` takes, after a smaller one to warm up. */
export async function rateOf(count: number, work: (count: number) => Promise<void>): Promise<number> {
  await work(Math.ceil(count / 5))
  return bareRateOf(count, work)
}

/** How many per second: the time that `work` takes. */
export async function bareRateOf(count: number, work: (count: number) => Promise<void>): Promise<number> {
  const before = performance.now()
  await work(count)
  return (count / (performance.now() - before)) * 1000
}
