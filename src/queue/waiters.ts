/** Who waits for what: for single jobs to finish, and for the queue to be idle. */
import { decode } from '../codec/codec.js'
import { NoJobError } from '../errors/errors.js'
import type { Place, StoredJob } from '../job/job.js'
import { formatId } from '../job/job-id.js'
import { outcomeError } from './job-handle.js'

interface Waiter {
  resolve(output: unknown): void
  reject(error: Error): void
  /** Another one that waits for the same job. */
  readonly next: Waiter | undefined
}

export class Waiters {
  readonly #finished = new Map<number, Waiter>()
  readonly #taskOf: (place: Place) => string
  #idle: Waiter[] = []

  constructor(taskOf: (place: Place) => string) {
    this.#taskOf = taskOf
  }

  /** Fulfilled with the output of the job with this seq. */
  untilFinished(seq: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#finished.set(seq, { resolve, reject, next: this.#finished.get(seq) })
    })
  }

  untilIdle(): Promise<void> {
    return new Promise<unknown>((resolve, reject) => {
      this.#idle.push({ resolve, reject, next: undefined })
    }) as Promise<void>
  }

  /** Tells who waits for a job what became of it; nothing, if it has not finished. */
  settle(job: StoredJob): void {
    const { seq } = job.place
    const waiter = this.#finished.get(seq)
    if (!waiter) return
    if (job.state === 'completed') {
      this.#finished.delete(seq)
      return complete(waiter, job.body)
    }
    const error = outcomeError(this.#taskOf(job.place), job)
    if (error) this.reject(seq, error)
  }

  /** Answers who waits for a job from what is stored of it: nothing, if it is gone. */
  answer(place: Place, stored: Promise<StoredJob | undefined>): void {
    stored.then(
      (job) => (job ? this.settle(job) : this.reject(place.seq, new NoJobError(formatId(place)))),
      (error: Error) => this.reject(place.seq, error),
    )
  }

  reject(seq: number, error: Error): void {
    for (let waiter = this.#take(seq); waiter; waiter = waiter.next) waiter.reject(error)
  }

  idle(): void {
    for (const { resolve } of this.#idle.splice(0)) resolve(undefined)
  }

  rejectAll(error: Error): void {
    for (const seq of [...this.#finished.keys()]) this.reject(seq, error)
    for (const { reject } of this.#idle.splice(0)) reject(error)
  }

  #take(seq: number): Waiter | undefined {
    const waiter = this.#finished.get(seq)
    this.#finished.delete(seq)
    return waiter
  }
}

/** Each gets an output of its own. */
function complete(first: Waiter, output: Uint8Array): void {
  for (let waiter: Waiter | undefined = first; waiter; waiter = waiter.next) {
    try {
      waiter.resolve(decode(output))
    } catch (cause) {
      waiter.reject(cause as Error)
    }
  }
}
