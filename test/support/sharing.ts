/** A queue whose task `share` has jobs that share threads; `plain` is an ordinary task of the same module. */
import { type EventEmitter, once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Job, JobQueue, type QueueOptions, type TaskOptions } from '../../src/index.js'
import type * as fixture from '../fixtures/sharing-worker.js'
import type { Deed } from '../fixtures/sharing-worker.js'
import { temporaryDirectory } from './directory.js'

export const SHARING_MODULE = new URL('../fixtures/sharing-worker.js', import.meta.url)

export type SharingTasks = { share: typeof fixture.default; plain: typeof fixture.plain }
export type SharingQueue = JobQueue<SharingTasks>

/** What a job of `share` gives. */
export interface Place {
  readonly threadId: number
  readonly most: number
  readonly attempt: number
  readonly saved: unknown
}

export async function openSharing(
  t: TestContext,
  share: TaskOptions = {},
  options: Partial<QueueOptions<'share' | 'plain'>> & {
    directory?: string
    workers?: never
    tasks?: never
  } = {},
): Promise<SharingQueue> {
  const { directory = await temporaryDirectory(t), ...rest } = options
  const queue = await JobQueue.open<SharingTasks>(directory, {
    workers: {
      share: { module: SHARING_MODULE, perThread: 20, ...share },
      plain: { module: SHARING_MODULE, export: 'plain' },
    },
    maxWorkers: 1,
    attempts: 1,
    backoff: 1,
    abortGrace: 60_000,
    ...rest,
  })
  t.after(() => queue.close({ timeout: 0 }))
  return queue
}

/** Jobs that have begun. */
export async function begun(queue: SharingQueue, ...deeds: Deed[]): Promise<Job[]> {
  const logs = heard(queue, deeds.length)
  const jobs = await queue.enqueueMany('share', deeds)
  await logs
  return jobs
}

/** Fulfilled when so many jobs have said that they begin. */
export async function heard(queue: SharingQueue, count: number): Promise<void> {
  for (let left = count; left > 0; left--) await once(queue as EventEmitter, 'log')
}

/** A gate, and what opens it. */
export async function newGate(t: TestContext): Promise<{ file: string; open: () => Promise<void> }> {
  const file = join(await temporaryDirectory(t), 'gate')
  return { file, open: () => writeFile(file, '') }
}

export async function placeOf(job: Job): Promise<Place> {
  return (await job.finished()) as Place
}

/** The errors of the attempts that a job is charged with. */
export async function chargesOf(queue: SharingQueue, job: Job): Promise<unknown[]> {
  return ((await queue.job(job.id))?.failures ?? []).map(({ code }) => code)
}
