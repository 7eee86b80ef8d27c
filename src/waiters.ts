/** Who waits for what: for single jobs to finish, and for the queue to be idle. */
import { decode } from './codec.js'
import { NoJobError } from './errors.js'
import { outcomeError } from './handle.js'
import { formatId, type Place, type StoredJob } from './job.js'

interface Waiter {
  resolve(output: unknown): void
  reject(error: Error): void
}

export class Waiters {
  readonly #finished = new Map<number, Waiter[]>()
  #idle: Waiter[] = []

  /** Fulfilled with the output of the job with this seq. */
  untilFinished(seq: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const others = this.#finished.get(seq)
      if (others) others.push({ resolve, reject })
      else this.#finished.set(seq, [{ resolve, reject }])
    })
  }

  untilIdle(): Promise<void> {
    return new Promise<unknown>((resolve, reject) => {
      this.#idle.push({ resolve, reject })
    }) as Promise<void>
  }

  /** Tells who waits for a job what became of it; nothing, if it has not finished. `undefined`: it is not there. */
  settle(task: string, place: Place, job: StoredJob | undefined): void {
    if (!this.#finished.has(place.seq)) return
    if (!job) return this.reject(place.seq, new NoJobError(formatId(place)))
    const error = outcomeError(task, job)
    if (error) return this.reject(place.seq, error)
    if (job.state !== 'completed') return
    for (const { resolve, reject } of this.#take(place.seq)) {
      try {
        resolve(decode(job.body))
      } catch (cause) {
        reject(cause as Error)
      }
    }
  }

  reject(seq: number, error: Error): void {
    for (const waiter of this.#take(seq)) waiter.reject(error)
  }

  idle(): void {
    for (const { resolve } of this.#idle.splice(0)) resolve(undefined)
  }

  rejectAll(error: Error): void {
    for (const seq of [...this.#finished.keys()]) this.reject(seq, error)
    for (const { reject } of this.#idle.splice(0)) reject(error)
  }

  #take(seq: number): Waiter[] {
    const waiters = this.#finished.get(seq) ?? []
    this.#finished.delete(seq)
    return waiters
  }
}
