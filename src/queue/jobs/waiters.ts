/** Who waits for what: for single jobs to finish, and for the queue to be idle or drained. */
import { NoJobError, WaitTimeoutError } from '../../errors/errors.js'
import { LONGEST_TIMER_MS } from '../../job/duration.js'
import type { JobState, Place, StoredJob } from '../../job/job.js'
import { formatId } from '../../job/job-id.js'
import { outcomeOf } from './job-handle.js'
import type { WaitLimits } from './wait-options.js'

/** What ends a wait for a job: the job, which has finished, or where it was, if it is gone. */
type Outcome = StoredJob | Place

interface Waiter {
  /** With its output, or a promise that will be rejected. */
  resolve(output?: unknown): void
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

  /** Fulfilled with the output of the job with this seq. Each caller gets an output and an error of its own. */
  untilFinished(seq: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#finished.set(seq, { resolve, reject, next: this.#finished.get(seq) })
    })
  }

  /** As `untilFinished`, within limits. A caller that has given up is forgotten. */
  async untilFinishedWithin(place: Place, { timeoutMs, signal }: WaitLimits): Promise<unknown> {
    signal?.throwIfAborted()
    const { seq } = place
    let timer: NodeJS.Timeout | undefined
    let giveUp = () => {}
    try {
      return await new Promise((resolve, reject) => {
        const waiter: Waiter = { resolve, reject, next: this.#finished.get(seq) }
        this.#finished.set(seq, waiter)
        giveUp = () => {
          this.#drop(seq, waiter)
          reject(signal?.aborted ? signal.reason : new WaitTimeoutError(formatId(place), timeoutMs))
        }
        signal?.addEventListener('abort', giveUp)
        if (timeoutMs <= LONGEST_TIMER_MS) timer = setTimeout(giveUp, timeoutMs)
      })
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
    if (isFinished(state)) this.#resolve(place.seq, job)
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
    this.#resolve(place.seq, place)
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

  /** The output of a job that has completed. Throws the error that says what became of another. */
  #outputOf(outcome: Outcome): unknown {
    if ('state' in outcome) return outcomeOf(this.#taskOf, outcome)
    throw new NoJobError(formatId(outcome))
  }

  #resolve(seq: number, outcome: Outcome): void {
    const hasOutput = 'state' in outcome && outcome.state === 'completed'
    for (let waiter = this.#take(seq); waiter; waiter = waiter.next)
      if (hasOutput) complete(waiter, () => this.#outputOf(outcome))
      else waiter.resolve(later(() => this.#outputOf(outcome)))
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
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

function complete(waiter: Waiter, output: () => unknown): void {
  try {
    waiter.resolve(output())
  } catch (error) {
    waiter.reject(error as Error)
  }
}

/**
 * Runs `make`, which throws, when the promise that it is given to is bound to this one. V8 then finds the application's own `await`
 * at the end of the chain, and adds it to the stack of the error.
 */
function later(make: () => unknown): Promise<unknown> {
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  // The promise that this one is given to is bound to it in a microtask of its own, before this one.
  queueMicrotask(() => queueMicrotask(begin))
  return begun.then(make)
}
