/** Who waits for what: for single jobs to finish, and for the queue to be idle or drained. */
import { NoJobError, WaitTimeoutError } from '../../errors/errors.js'
import { LONGEST_TIMER_MS } from '../../job/duration.js'
import { FINISHED_STATES, type JobState, type Place, type StoredJob } from '../../job/job.js'
import { formatId } from '../../job/job-id.js'
import { outcomeOf } from './job-handle.js'
import type { WaitLimits } from './wait-options.js'

/** Gives a finished job's output, or throws the error that says what became of it. */
type Outcome = () => unknown

interface Waiter {
  resolve(outcome?: Outcome): void
  reject(error: Error): void
  /** Another one that waits for the same job. */
  next: Waiter | undefined
}

export class Waiters {
  readonly #finished = new Map<number, Waiter>()
  readonly #taskOf: (place: Place) => string
  #idle: Waiter[] = []
  #drained: Waiter[] = []

  constructor(taskOf: (place: Place) => string) {
    this.#taskOf = taskOf
  }

  /**
   * Fulfilled with the output of the job with this seq. The error is made after the `await`: V8 then adds the application's own
   * `await` to its stack. Each caller gets an output and an error of its own.
   */
  async untilFinished(seq: number): Promise<unknown> {
    const outcome = await new Promise<Outcome | undefined>((resolve, reject) => {
      this.#finished.set(seq, { resolve, reject, next: this.#finished.get(seq) })
    })
    return outcome?.()
  }

  /** As `untilFinished`, within limits. A caller that has given up is forgotten. */
  async untilFinishedWithin(place: Place, { timeoutMs, signal }: WaitLimits): Promise<unknown> {
    signal?.throwIfAborted()
    const { seq } = place
    let timer: NodeJS.Timeout | undefined
    let giveUp = () => {}
    try {
      const outcome = await new Promise<Outcome | undefined>((resolve, reject) => {
        const waiter: Waiter = { resolve, reject, next: this.#finished.get(seq) }
        this.#finished.set(seq, waiter)
        giveUp = () => {
          this.#drop(seq, waiter)
          reject(signal?.aborted ? signal.reason : new WaitTimeoutError(formatId(place), timeoutMs))
        }
        signal?.addEventListener('abort', giveUp)
        if (timeoutMs <= LONGEST_TIMER_MS) timer = setTimeout(giveUp, timeoutMs)
      })
      return outcome?.()
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
  }

  untilIdle(): Promise<void> {
    return new Promise<unknown>((resolve, reject) => {
      this.#idle.push({ resolve, reject, next: undefined })
    }) as Promise<void>
  }

  untilDrained(): Promise<void> {
    return new Promise<unknown>((resolve, reject) => {
      this.#drained.push({ resolve, reject, next: undefined })
    }) as Promise<void>
  }

  /** Tells who waits for a job what became of it; nothing, if it has not finished. */
  settle(job: StoredJob): void {
    const { place, state } = job
    if (this.#finished.has(place.seq) && isFinished(state))
      this.#resolve(place.seq, () => outcomeOf(this.#taskOf(place), job))
  }

  /** Answers who waits for a job from what is stored of it: nothing, if it is gone. */
  answer(place: Place, stored: Promise<StoredJob | undefined>): void {
    stored.then(
      (job) => (job ? this.settle(job) : this.noJob(place)),
      (error: Error) => this.reject(place.seq, error),
    )
  }

  /** The job is gone. */
  noJob(place: Place): void {
    this.#resolve(place.seq, () => {
      throw new NoJobError(formatId(place))
    })
  }

  reject(seq: number, error: Error): void {
    for (let waiter = this.#take(seq); waiter; waiter = waiter.next) waiter.reject(error)
  }

  idle(): void {
    for (const { resolve } of this.#idle.splice(0)) resolve()
  }

  /** Whether somebody waits until nothing waits or runs. */
  get isDrainAwaited(): boolean {
    return this.#drained.length > 0
  }

  drained(): void {
    for (const { resolve } of this.#drained.splice(0)) resolve()
  }

  rejectAll(error: Error): void {
    for (const seq of [...this.#finished.keys()]) this.reject(seq, error)
    for (const { reject } of [...this.#idle.splice(0), ...this.#drained.splice(0)]) reject(error)
  }

  #resolve(seq: number, outcome: Outcome): void {
    for (let waiter = this.#take(seq); waiter; waiter = waiter.next) waiter.resolve(outcome)
  }

  #drop(seq: number, dropped: Waiter): void {
    const first = this.#finished.get(seq)
    if (first === dropped) {
      if (dropped.next) this.#finished.set(seq, dropped.next)
      else this.#finished.delete(seq)
    }
    for (let waiter = first; waiter; waiter = waiter.next)
      if (waiter.next === dropped) waiter.next = dropped.next
  }

  #take(seq: number): Waiter | undefined {
    const waiter = this.#finished.get(seq)
    this.#finished.delete(seq)
    return waiter
  }
}

function isFinished(state: JobState): boolean {
  return (FINISHED_STATES as readonly JobState[]).includes(state)
}
