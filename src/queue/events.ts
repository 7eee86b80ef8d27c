/** What a queue tells its application, and when. */
import type { EventEmitter } from 'node:events'
import { decode } from '../codec/codec.js'
import type { JobCounts, StoredJob } from '../job/job.js'
import type { Claimed } from '../store/store.js'
import { Job, type JobHost } from './job-handle.js'

export interface QueueEvents {
  /** Jobs have been added, started or settled; at most once in a turn of the event loop. */
  updated: [counts: JobCounts]
  /** An attempt has started. Of small jobs that travel together it may be said only when they end. */
  started: [job: Job]
  /** A job has completed, failed for good or been cancelled, and that is durable. */
  finished: [job: Job]
  completed: [job: Job]
  failed: [job: Job]
  /** An attempt has failed and the job waits for the next one. */
  retrying: [job: Job]
  cancelled: [job: Job]
  progress: [job: Job, value: unknown]
  log: [job: Job, text: string]
  /** Nothing is running, waiting or delayed any more. */
  idle: []
  /** The directory cannot be written: nothing is accepted or started from now on. */
  error: [error: Error]
}

const FINISHING = ['finished', 'completed', 'failed', 'retrying', 'cancelled'] as const

/** Turns what happens to jobs into events, and makes nothing that nobody listens for. */
export class Announcer {
  readonly #emitter: EventEmitter<QueueEvents>
  readonly #host: JobHost
  readonly #counts: () => JobCounts | undefined
  #isUpdateDue = false

  /** `counts` gives nothing once the queue is closed. */
  constructor(emitter: EventEmitter<QueueEvents>, host: JobHost, counts: () => JobCounts | undefined) {
    this.#emitter = emitter
    this.#host = host
    this.#counts = counts
  }

  /** Many changes in one turn of the event loop make one event. */
  updated(): void {
    if (this.#isUpdateDue || !this.#isHeard('updated')) return
    this.#isUpdateDue = true
    setImmediate(() => {
      this.#isUpdateDue = false
      const counts = this.#counts()
      if (counts) this.#emit('updated', counts)
    })
  }

  started(job: Claimed): void {
    if (this.#isHeard('started')) this.#emit('started', this.#running(job))
    this.updated()
  }

  progress(job: Claimed, value: Uint8Array): void {
    if (!this.#isHeard('progress')) return
    let shown: unknown
    try {
      shown = decode(value)
    } catch {
      // Not of millrace's making: a worker module has posted it.
      return
    }
    this.#emit('progress', this.#running(job), shown)
  }

  log(job: Claimed, text: string): void {
    if (this.#isHeard('log')) this.#emit('log', this.#running(job), text)
  }

  settled(jobs: readonly StoredJob[]): void {
    this.updated()
    if (!FINISHING.some((name) => this.#isHeard(name))) return
    for (const stored of jobs) {
      const { state } = stored
      const job = new Job(this.#host, stored)
      if (state === 'completed' || state === 'failed' || state === 'cancelled') {
        this.#emit(state, job)
        this.#emit('finished', job)
      } else this.#emit('retrying', job)
    }
  }

  idle(): void {
    this.#emit('idle')
  }

  broken(error: Error): void {
    this.#emit('error', error)
  }

  #isHeard(name: keyof QueueEvents): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  /** A listener that throws is its owner's trouble, as in any emitter, but must not stop the queue halfway. */
  #emit<Name extends keyof QueueEvents>(name: Name, ...args: QueueEvents[Name]): void {
    try {
      ;(this.#emitter.emit as (name: string, ...args: unknown[]) => boolean).call(
        this.#emitter,
        name,
        ...args,
      )
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  #running({ place, enqueuedAt, head, attempt, input }: Claimed): Job {
    return new Job(this.#host, {
      place,
      state: 'running',
      enqueuedAt,
      head: { ...head, attempt },
      body: input,
    })
  }
}
