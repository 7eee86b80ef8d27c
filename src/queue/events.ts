/** What a queue tells its application, and when. */
import { AsyncResource } from 'node:async_hooks'
import { decode } from '../codec/codec.js'
import type { JobCounts, StoredJob } from '../job/job.js'
import type { JobLog } from '../job/notes.js'
import { type Claimed, storedAsRunning } from '../store/store.js'
import type { FollowedJobs } from './jobs/job-events.js'
import { Job, type JobHost } from './jobs/job-handle.js'

export interface QueueEvents<AnyJob = Job> {
  /** Jobs have been added, started or settled; at most once in a turn of the event loop. */
  updated: [counts: JobCounts]
  /** An attempt has started. Of small jobs that travel together it may be said only when they end. */
  started: [job: AnyJob]
  /** A job has completed, failed for good or been cancelled, and that is durable. */
  finished: [job: AnyJob]
  completed: [job: AnyJob]
  failed: [job: AnyJob]
  /** An attempt has failed and the job waits for the next one. */
  retrying: [job: AnyJob]
  cancelled: [job: AnyJob]
  progress: [job: AnyJob, value: unknown]
  /** `dropped`: how many lines before this one came too fast and are gone. */
  log: [job: AnyJob, text: string, dropped: number]
  /** Nothing is running, waiting or delayed any more. */
  idle: []
  /**
   * Right after opening: these tasks have jobs here, and no worker was given for them. Their jobs wait until one is: was a task
   * renamed?
   */
  withoutWorker: [tasks: readonly string[]]
  /**
   * Something is wrong that is no job's fault. After a StoreError (the directory cannot be written) the queue accepts and starts
   * nothing more. It goes on after a WorkerModuleError (a module cannot be loaded), a ThreadStartError (no thread can be started), a
   * ThreadLostError (a thread could not be ended) and a ThreadUncaughtError (a thread without a job threw). Without a listener these
   * four become process warnings.
   */
  error: [error: Error]
}

/** What the queue is, for its events: their types by tasks are its caller's concern. */
export interface Emitter {
  listenerCount(name: string): number
  emit(name: string, ...args: unknown[]): boolean
}

const FINISHING = ['finished', 'completed', 'failed', 'retrying', 'cancelled'] as const

/**
 * Turns what happens to jobs into events. An event without a listener is not made.
 *
 * Listeners run in the asynchronous context (`AsyncLocalStorage`) in which the queue was opened, whichever call or thread has
 * caused the event.
 */
export class Announcer {
  readonly #emitter: Emitter
  readonly #host: JobHost
  readonly #followed: FollowedJobs<Job>
  readonly #counts: () => JobCounts | undefined
  readonly #context = new AsyncResource('millrace.events')
  #isUpdateDue = false

  /** `counts` gives nothing once the queue is closed. */
  constructor(
    emitter: Emitter,
    host: JobHost,
    followed: FollowedJobs<Job>,
    counts: () => JobCounts | undefined,
  ) {
    this.#emitter = emitter
    this.#host = host
    this.#followed = followed
    this.#counts = counts
  }

  /** Many changes in one turn of the event loop make one event. */
  updated(): void {
    if (this.#isUpdateDue || !this.#isHeard('updated')) return
    this.#isUpdateDue = true
    setImmediate(() => {
      this.#isUpdateDue = false
      const counts = this.#counts()
      if (counts) this.#tell('updated', counts)
    })
  }

  started(job: Claimed): void {
    const isFollowed = this.#followed.isFollowed(job.place)
    if (isFollowed) this.#followed.tell(job.place, { type: 'started', job: this.#running(job) })
    if (this.#isHeard('started')) this.#tell('started', this.#running(job))
    this.updated()
  }

  progress(job: Claimed, value: Uint8Array): void {
    const isFollowed = this.#followed.isFollowed(job.place)
    if (!isFollowed && !this.#isHeard('progress')) return
    let shown: unknown
    try {
      shown = decode(value)
    } catch {
      // Not of millrace's making: a worker module has posted it.
      return
    }
    if (isFollowed)
      this.#followed.tell(job.place, { type: 'progress', job: this.#running(job), value: shown })
    if (this.#isHeard('progress')) this.#tell('progress', this.#running(job), shown)
  }

  /** There may be many lines: they share one snapshot of the job. */
  log(claimed: Claimed, { lines, dropped }: JobLog): void {
    const isFollowed = this.#followed.isFollowed(claimed.place)
    const isHeard = this.#isHeard('log')
    if (!isFollowed && !isHeard) return
    const job = this.#running(claimed)
    for (const [index, text] of lines.entries()) {
      const before = index === 0 ? dropped : 0
      if (isFollowed) this.#followed.tell(claimed.place, { type: 'log', job, text, dropped: before })
      if (isHeard) this.#tell('log', job, text, before)
    }
  }

  settled(jobs: readonly StoredJob[]): void {
    this.updated()
    const isHeard = FINISHING.some((name) => this.#isHeard(name))
    if (!isHeard && this.#followed.isEmpty) return
    // Once for all of them.
    this.#context.runInAsyncScope(this.#tellSettled, this, jobs, isHeard)
  }

  #tellSettled(jobs: readonly StoredJob[], isHeard: boolean): void {
    for (const stored of jobs) {
      const { place, state } = stored
      const isFinished = state === 'completed' || state === 'failed' || state === 'cancelled'
      const type = isFinished ? state : 'retrying'
      if (this.#followed.isFollowed(place))
        this.#followed.tell(place, { type, job: new Job(this.#host, stored) })
      if (!isHeard) continue
      const job = new Job(this.#host, stored)
      this.#emit(type, job)
      if (isFinished) this.#emit('finished', job)
    }
  }

  idle(): void {
    this.#tell('idle')
  }

  withoutWorker(tasks: readonly string[]): void {
    this.#tell('withoutWorker', tasks)
  }

  /** Something is wrong that does not stop the queue: it is told, but ends no application that does not listen. */
  trouble(error: Error): void {
    if (this.#isHeard('error')) this.#tell('error', error)
    else this.#context.runInAsyncScope(process.emitWarning, process, error)
  }

  broken(error: Error): void {
    this.#tell('error', error)
  }

  #isHeard(name: keyof QueueEvents): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  #tell<Name extends keyof QueueEvents>(name: Name, ...args: QueueEvents[Name]): void {
    this.#context.runInAsyncScope(this.#emit<Name>, this, name, ...args)
  }

  /** A listener that throws is its owner's trouble, as in any emitter, but must not stop the queue halfway. */
  #emit<Name extends keyof QueueEvents>(name: Name, ...args: QueueEvents[Name]): void {
    try {
      this.#emitter.emit(name, ...args)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  #running(job: Claimed): Job {
    return new Job(this.#host, storedAsRunning(job))
  }
}
