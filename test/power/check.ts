/** Whether a directory that a power cut left behind holds what was promised, and nothing that contradicts itself. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { decode } from '../../src/codec/codec.js'
import { type Job, JobQueue } from '../../src/index.js'
import { allJobs } from '../support/all-jobs.js'
import { inspect } from '../support/inspect.js'
import { inputOf, type LoadInput, OPTIONS } from './load.js'
import type { Recording } from './recording.js'

export interface Promised {
  /** What each acknowledged job was given, by the job's id. */
  readonly added: Map<string, { id: number; size: number }>
  /** The states that were reported, by the job's id. */
  readonly finished: Map<string, string>
  /** The last step whose checkpoint was acknowledged, by the job's id. */
  readonly saved: Map<string, number>
}

/** What the recorded process had promised to its application when the power went. */
export function promisedBefore(recording: Recording, cut: number): Promised {
  const promised: Promised = { added: new Map(), finished: new Map(), saved: new Map() }
  for (const event of recording.events.slice(0, cut)) {
    if (event.what !== 'said') continue
    const [what, job = '', first = '', second] = event.text.split(' ')
    if (what === 'added') promised.added.set(job, { id: Number(first), size: Number(second) })
    else if (what === 'saved') promised.saved.set(job, Number(first))
    else promised.finished.set(job, first)
  }
  return promised
}

/** Opens a directory without running anything, checks that it is consistent, and gives its jobs by id. */
export async function jobsIn(directory: string): Promise<Map<string, Job>> {
  const queue = await JobQueue.open(directory, { ...OPTIONS, maxWorkers: 0 })
  const jobs = await settledJobs(queue).finally(() => queue.close({ timeout: 0 }))
  assert.deepEqual((await inspect(directory)).problems, [])
  for (const job of jobs) {
    assert.ok(job.task in (OPTIONS.workers as object), `job ${job.id} has lost its task`)
    if (job.state === 'completed') continue
    const { id, bytes } = job.input as LoadInput
    assertInput(job, { id, size: bytes.length })
  }
  return new Map(jobs.map((job) => [job.id, job]))
}

/** Each acknowledged job is there; one whose outcome was reported has it, or runs again. */
export function assertKept(jobs: ReadonlyMap<string, Job>, { added, finished }: Promised): void {
  for (const [id, given] of added) {
    const job = jobs.get(id)
    assert.ok(job, `job ${id} was acknowledged and is lost`)
    if (job.state !== 'completed') assertInput(job, given)
    const reported = finished.get(id)
    if (reported !== undefined && reported !== job.state)
      assert.ok(['waiting', 'delayed'].includes(job.state), `job ${id} was ${reported} and is ${job.state}`)
  }
}

/** What is left is the state of one moment: the jobs that are lost are the ones that were added last. */
export function assertOneMoment(jobs: ReadonlyMap<string, Job>, { added }: Promised): void {
  const number = (id: string) => Number.parseInt(id.slice(-12), 16)
  const lost = [...added.keys()].filter((id) => !jobs.has(id)).map(number)
  const latest = Math.max(...[...jobs.keys()].map(number))
  for (const each of lost) assert.ok(each > latest, `job ${each} is lost, a later one is not`)
}

/** A job that has not completed has what it saved last, or something newer. */
export async function assertSaved(directory: string, { saved }: Promised): Promise<void> {
  const { jobs } = await inspect(directory)
  for (const [id, step] of saved) {
    const job = jobs.get(id)
    assert.ok(job, `job ${id} has saved something, and is lost`)
    if (job.state === 'completed') continue
    const found = job.head.saved && decode(job.head.saved)
    assert.ok((found as number) >= step, `job ${id} has saved step ${step}, and has ${String(found)}`)
  }
}

/** Runs what is left until nothing waits but what is delayed for an hour, and checks again. */
export async function assertRunsOn(directory: string): Promise<void> {
  const queue = await JobQueue.open(directory, { ...OPTIONS, maxWorkers: 0 })
  const failed = new Promise((_resolve, reject) => queue.on('error', reject))
  try {
    const jobs = await settledJobs(queue)
    const due = jobs.filter(({ state }) => state !== 'delayed')
    queue.setMaxWorkers(2)
    await Promise.race([Promise.allSettled(due.map((job) => job.finished())), failed])
  } finally {
    await queue.close()
  }
  for (const job of (await jobsIn(directory)).values())
    assert.ok(job.state !== 'waiting', `job ${job.id} never ran`)
}

function assertInput(job: Job, { id, size }: { id: number; size: number }): void {
  const [found, given] = [job.input as LoadInput, inputOf(id, size)]
  assert.ok(
    found.id === given.id && Buffer.compare(found.bytes, given.bytes) === 0,
    `the input of job ${job.id} is not what it was`,
  )
}

/** Every job, once those that were due when the queue was opened have joined the backlog. */
async function settledJobs(queue: JobQueue): Promise<Job[]> {
  const isDue = ({ state, runAt }: Job) =>
    state === 'delayed' && (runAt?.getTime() ?? 0) < Date.now() + 60_000
  while ((await queue.jobs({ state: 'delayed', limit: 10_000 })).some(isDue)) await setImmediate()
  return allJobs(queue)
}
