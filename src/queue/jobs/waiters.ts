/** Who waits for what: for single jobs to finish, and for the queue to be idle or drained. */
import { decode } from '../../codec/codec.js'
import { NoJobError, WaitTimeoutError } from '../../errors/errors.js'
import { LONGEST_TIMER_MS } from '../../job/duration.js'
import type { Place, StoredJob } from '../../job/job.js'
import { formatId } from '../../job/job-id.js'
import { outcomeError } from './job-handle.js'
import { type WaitOptions, waitLimitsOf } from './wait-options.js'

/** What ends a wait for a job: the job, which has finished, or where it was, if it is gone. */
type Outcome = StoredJob | Place

/**
 * Ends one wait: with its output, or with a promise that is rejected. There is one for each job that somebody waits for, so it is
 * kept without an object around it, and without a function that rejects.
 */
type Resolve = (output?: unknown) => void

/**
 * Callers are answered in the order of their calls. What became of a job is told to each with an output or an error of its own.
 * What ends the wait of all (the queue closes, or is broken) is one error for all.
 */
export class Waiters {
  /** Who waits for each job: the only one, or all. A set that has become empty stays until the job ends. */
  readonly #finished = new Map<number, Resolve | Set<Resolve>>()
  readonly #taskOf: (place: Place) => string
  #idle: Resolve[] = []
  #drained: Resolve[] = []

  constructor(taskOf: (place: Place) => string) {
    this.#taskOf = taskOf
  }

  /** Fulfilled with the output of the job with this seq. */
  untilFinished(seq: number): Promise<unknown> {
    return new Promise((resolve) => {
      this.#add(seq, resolve)
    })
  }

  /** As `untilFinished`, within limits. A caller that has given up is forgotten. */
  async untilFinishedWithin(place: Place, options: WaitOptions): Promise<unknown> {
    const { timeoutMs, signal } = waitLimitsOf(options)
    signal?.throwIfAborted()
    const { seq } = place
    let timer: NodeJS.Timeout | undefined
    let giveUp = () => {}
    try {
      return await new Promise((resolve, reject) => {
        this.#add(seq, resolve)
        giveUp = () => {
          this.#drop(seq, resolve)
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
    return new Promise<unknown>((resolve) => {
      this.#idle.push(resolve)
    }) as Promise<void>
  }

  untilDrained(): Promise<void> {
    return new Promise<unknown>((resolve) => {
      this.#drained.push(resolve)
    }) as Promise<void>
  }

  /** Tells who waits for a job what became of it; nothing, if it has not finished. */
  settle(job: StoredJob): void {
    const { place, state } = job
    if (state === 'completed') {
      const waiting = this.#take(place.seq)
      if (typeof waiting === 'function') complete(waiting, job.body)
      else for (const resolve of waiting) complete(resolve, job.body)
    } else if (state === 'failed' || state === 'cancelled') this.#throw(place.seq, job)
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
    this.#throw(place.seq, place)
  }

  reject(seq: number, error: Error): void {
    const waiting = this.#take(seq)
    if (typeof waiting === 'function') waiting(Promise.reject(error))
    else for (const resolve of waiting) resolve(Promise.reject(error))
  }

  idle(): void {
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Whether somebody waits until nothing waits or runs. */
  get isDrainAwaited(): boolean {
    return this.#drained.length > 0
  }

  drained(): void {
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  rejectAll(error: Error): void {
    for (const seq of [...this.#finished.keys()]) this.reject(seq, error)
    for (const resolve of [...this.#idle.splice(0), ...this.#drained.splice(0)])
      resolve(Promise.reject(error))
  }

  /** Who waits gets the error that says what became of the job. Each gets one of its own. */
  #throw(seq: number, outcome: Outcome): void {
    const make = () => {
      throw 'state' in outcome ? outcomeError(this.#taskOf, outcome) : new NoJobError(formatId(outcome))
    }
    const waiting = this.#take(seq)
    if (typeof waiting === 'function') waiting(later(make))
    else for (const resolve of waiting) resolve(later(make))
  }

  #add(seq: number, resolve: Resolve): void {
    const others = this.#finished.get(seq)
    if (!others) this.#finished.set(seq, resolve)
    else if (typeof others === 'function') this.#finished.set(seq, new Set([others, resolve]))
    else others.add(resolve)
  }

  #drop(seq: number, resolve: Resolve): void {
    const waiting = this.#finished.get(seq)
    if (waiting === resolve) this.#finished.delete(seq)
    else if (waiting instanceof Set) waiting.delete(resolve)
  }

  /** Who waits for a job, and no longer does. */
  #take(seq: number): Resolve | Iterable<Resolve> {
    const waiting = this.#finished.get(seq)
    if (!waiting) return NOBODY
    this.#finished.delete(seq)
    return waiting
  }
}

const NOBODY: Iterable<Resolve> = []

function complete(resolve: Resolve, output: Uint8Array): void {
  try {
    resolve(decode(output))
  } catch (error) {
    resolve(Promise.reject(error))
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
