/**
 * Cancels jobs, in whatever state they are. A job in transit is stopped by the pool, or given back before it reaches a thread;
 * its caller waits here for the outcome. Any other job is cancelled in the store.
 */
import type { Place, StoredJob } from '../../job/job.js'
import type { StopReason } from '../../pool/waybill/result.js'
import type { JobFilter, Store } from '../../store/store.js'

interface CancellationParts {
  readonly store: Store
  /** Stops a job, if it is with the pool and has not ended. */
  stop(place: Place, reason: StopReason): void
  /** Gives back what has been claimed and must not start. */
  launch(): void
  /** Jobs that were not in transit have been cancelled. */
  cancelled(jobs: readonly StoredJob[]): void
}

export class Cancellations {
  readonly #parts: CancellationParts
  readonly #waiting = new Map<number, ((wasCancelled: boolean) => void)[]>()
  #broken: Error | undefined

  constructor(parts: CancellationParts) {
    this.#parts = parts
  }

  /** Cancels a job that has not finished. `false`: it had, or there is none. */
  async cancel(place: Place): Promise<boolean> {
    const { store } = this.#parts
    while (!this.#broken) {
      if (store.isInTransit(place)) {
        // It is stopped now, waits for a thread, or its claim is being written. Or its attempt has ended: another may follow.
        this.#parts.stop(place, 'cancelled')
        const wasCancelled = this.#ask(place.seq)
        this.#parts.launch()
        if (await wasCancelled) return true
        // It was settled otherwise: it has finished, or there may be another attempt to cancel.
        continue
      }
      if (await store.changeOne(place, { verb: 'cancel' })) {
        // Where cancelled jobs are not kept, there is nothing more to tell of it.
        const gone: StoredJob = { place, state: 'cancelled', enqueuedAt: 0, head: {}, body: new Uint8Array() }
        this.#parts.cancelled([(await store.get(place)) ?? gone])
        return true
      }
      // It may have been claimed while the store looked for it.
      if (!store.isInTransit(place)) return false
    }
    throw this.#broken
  }

  /**
   * Cancels all jobs that match and have not finished, and says how many. Those that run come last: jobs that are claimed meanwhile
   * are among them. `changed` is called after each write of jobs that do not run.
   */
  async cancelAll({ states, ...lane }: JobFilter, changed: () => void): Promise<number> {
    const { store } = this.#parts
    const resting = states.filter((state) => state !== 'running')
    const count = await store.changeAll({ states: resting, ...lane }, { verb: 'cancel' }, (jobs, at) => {
      this.#parts.cancelled(jobs.map((job) => asCancelled(job, at)))
      changed()
    })
    if (!states.includes('running')) return count
    const running = await store.list({ states: ['running'], limit: Number.MAX_SAFE_INTEGER, ...lane })
    const wereCancelled = await Promise.all(running.map(({ place }) => this.cancel(place)))
    return count + wereCancelled.filter((wasCancelled) => wasCancelled).length
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Whether somebody waits for this job in transit to be cancelled. */
  has(seq: number): boolean {
    return this.#waiting.has(seq)
  }

  /** The job is settled, or given back. */
  answer(seq: number, wasCancelled: boolean): void {
    for (const resolve of this.#waiting.get(seq) ?? []) resolve(wasCancelled)
    this.#waiting.delete(seq)
  }

  /** Nothing more will be settled. */
  giveUp(error: Error): void {
    this.#broken = error
    for (const seq of [...this.#waiting.keys()]) this.answer(seq, false)
  }

  #ask(seq: number): Promise<boolean> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(seq) ?? []
      this.#waiting.set(seq, [...others, resolve])
    })
  }
}

/** A job that did not run, right after it was cancelled. */
function asCancelled(job: StoredJob, finishedAt: number): StoredJob {
  return { ...job, state: 'cancelled', head: { ...job.head, finishedAt } }
}
