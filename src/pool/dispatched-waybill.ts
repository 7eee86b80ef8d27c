/**
 * A waybill while it is out, as the main thread sees it: who is in it, what has come back, who is to be stopped.
 *
 * ```
 *  out ──all outcomes there──▶ settled            its thread returned
 *   └──the thread ended──▶ ended ──▶ settled      what has no outcome is judged by its word: see `judge`
 * ```
 */
import { decode } from '../codec/codec.js'
import { type ErrorData, isErrorData, toErrorData } from '../errors/error-data.js'
import {
  CANCELLED,
  CLOSING,
  DONE,
  KILLED,
  LISTENING,
  monotonicMs,
  RECALLED,
  readOutcomes,
  SharedState,
  STARTED,
  TIMED_OUT,
  WAITING,
  WAYBILL_MS,
} from './waybill.js'

export type StopReason = 'cancelled' | 'timedOut' | 'closing'

/** What became of a job that was handed out. */
export type Result<Job> =
  | { readonly kind: 'completed'; readonly job: Job; readonly output: Uint8Array; readonly ranMs: number }
  | { readonly kind: 'threw'; readonly job: Job; readonly error: ErrorData; readonly ranMs: number }
  | { readonly kind: 'stopped'; readonly job: Job; readonly reason: StopReason }
  /** Its run ended its thread. */
  | { readonly kind: 'died'; readonly job: Job; readonly error: ErrorData }
  /** It was not run, or its outcome was lost through another's doing; `alone` if it may have been its own. */
  | { readonly kind: 'returned'; readonly job: Job; readonly alone: boolean }

export interface Timed {
  /** Longest run, in ms; 0 for none. */
  readonly timeoutMs: number
}

/** A waybill out for longer than this gives back the jobs that it has not started. */
const RECALL_AFTER_MS = 2 * WAYBILL_MS
const UNKNOWN = 0
const SEEN = 1
const SETTLED = 2

const LONGEST_TIMER_MS = 2 ** 31 - 1

const STOP_WORD = { cancelled: CANCELLED, timedOut: TIMED_OUT, closing: CLOSING } as const

export interface WaybillEvents<Job> {
  results(results: Result<Job>[]): void
  /** A job has started at this time, in ms since the epoch. */
  started(job: Job, at: number): void
  /** End the thread. */
  kill(): void
}

export class DispatchedWaybill<Job extends Timed> {
  readonly number: number
  readonly jobs: readonly Job[]
  readonly state: SharedState
  readonly #events: WaybillEvents<Job>
  readonly #abortGraceMs: number
  /** Of each job what is known here: UNKNOWN, SEEN (it has started) or SETTLED (it has a result). */
  readonly #marks: Uint8Array
  /** How many jobs have no result. */
  #open: number
  readonly #stops = new Map<number, StopReason>()
  #timer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined
  #begunAt: number | undefined

  constructor(number: number, jobs: readonly Job[], abortGraceMs: number, events: WaybillEvents<Job>) {
    this.number = number
    this.jobs = jobs
    this.state = new SharedState(jobs.length)
    this.#events = events
    this.#abortGraceMs = abortGraceMs
    this.#marks = new Uint8Array(jobs.length)
    this.#open = jobs.length
    this.#watch()
  }

  get isSettled(): boolean {
    return this.#open === 0
  }

  /** Says once that a job has started, as far as is known. */
  noteStarted(index: number, at: number): void {
    if (this.#marks[index] !== UNKNOWN) return
    this.#marks[index] = SEEN
    this.#events.started(this.jobs[index] as Job, at)
  }

  /** The job with this index says something. `undefined`: it does not run. */
  speaking(index: number): Job | undefined {
    const job = this.jobs[index]
    if (!job || !this.#isOpen(index) || this.state.stateOf(index) === WAITING) return undefined
    this.noteStarted(index, this.#startOfRunning)
    return job
  }

  /** When the job started that runs now, in ms since the epoch. */
  get #startOfRunning(): number {
    return Math.round(Date.now() - (monotonicMs() - this.state.startedAt))
  }

  /** Outcomes have arrived from the thread. */
  receive(packed: Uint8Array): void {
    const results: Result<Job>[] = []
    const now = Date.now()
    for (const { index, isError, ranMs, bytes } of readOutcomes(packed)) {
      const job = this.jobs[index]
      // A job that its thread has not even started has no outcome, whatever a worker module posts.
      if (!job || !this.#isOpen(index) || this.state.stateOf(index) === WAITING) continue
      const reason = this.#stops.get(index)
      this.noteStarted(index, Math.trunc(now - ranMs))
      this.#close(index)
      if (reason) results.push({ kind: 'stopped', job, reason })
      else if (isError) results.push({ kind: 'threw', job, error: errorIn(bytes), ranMs })
      else results.push({ kind: 'completed', job, output: bytes, ranMs })
    }
    if (this.isSettled) this.#stopTimers()
    if (results.length > 0) this.#events.results(results)
  }

  /** Takes back the jobs that the thread has not started: the last one first, for the thread, which goes on, starts at the front. */
  recall(): void {
    const results: Result<Job>[] = []
    for (const [index, job] of this.#unsettled().reverse())
      if (this.state.move(index, WAITING, RECALLED)) {
        this.#close(index)
        results.push({ kind: 'returned', job, alone: false })
      }
    results.reverse()
    if (this.isSettled) this.#stopTimers()
    if (results.length > 0) this.#events.results(results)
  }

  /**
   * Stops a job: one that has not started at once; one that listens to its signal is asked, and given `abortGrace` ms; any
   * other is stopped by ending its thread. `false`: it has finished already.
   */
  stop(job: Job, reason: StopReason): boolean {
    const index = this.jobs.indexOf(job)
    if (!this.#isOpen(index)) return false
    if (this.#stops.has(index)) return true
    if (this.state.move(index, WAITING, RECALLED)) {
      this.#close(index)
      this.#events.results([{ kind: 'stopped', job, reason }])
      return true
    }
    if (this.state.move(index, STARTED, KILLED)) {
      this.#stops.set(index, reason)
      this.#kill()
      return true
    }
    if (this.state.move(index, LISTENING, STOP_WORD[reason])) {
      this.#stops.set(index, reason)
      Atomics.notify(this.state.words, index)
      this.#graceTimer = setTimeout(() => this.#kill(), this.#abortGraceMs)
      return true
    }
    return false
  }

  /** The thread has ended with jobs still open. */
  judge(error: ErrorData, isUncaught: boolean, mayBeBlamed: boolean): void {
    this.#stopTimers()
    const wasKilled = this.#stops.size > 0
    const entries = this.#unsettled()
    const running = entries.find(([index]) => isRunning(this.state.stateOf(index)))
    const unsent = entries.filter(([index]) => this.state.stateOf(index) === DONE)
    // An error out of band may stem from any job whose outcome is still there; an exit only from the one that is running.
    const culprit = isUncaught && unsent.length + (running ? 1 : 0) > 1 ? undefined : (running ?? unsent[0])
    const blamed = wasKilled
      ? undefined
      : (culprit ?? (running || unsent.length > 0 ? undefined : mayBeBlamed && entries[0]))
    const isUnclear = !wasKilled && !blamed
    const results = entries.map(([index, job]): Result<Job> => {
      const reason = this.#stops.get(index)
      if (reason) return { kind: 'stopped', job, reason }
      if (blamed && index === blamed[0]) return { kind: 'died', job, error }
      const hasRun = this.state.stateOf(index) === DONE || isRunning(this.state.stateOf(index))
      this.state.move(index, WAITING, RECALLED)
      return { kind: 'returned', job, alone: isUnclear && hasRun }
    })
    for (const [index] of entries) this.#close(index)
    this.#events.results(results)
  }

  #isOpen(index: number): boolean {
    return index >= 0 && this.#marks[index] !== SETTLED
  }

  #close(index: number): void {
    this.#marks[index] = SETTLED
    this.#open--
  }

  /** The jobs without a result, by index. */
  #unsettled(): [number, Job][] {
    return [...this.jobs.entries()].filter(([index]) => this.#isOpen(index))
  }

  /** Ends the thread, having taken back what would have run on it next. */
  #kill(): void {
    this.recall()
    this.#events.kill()
  }

  #watch(): void {
    const waitMs = this.#nextLookMs()
    if (waitMs === undefined) return
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(1, waitMs), LONGEST_TIMER_MS))
  }

  /** When the running job may be due for a look, from now. */
  #nextLookMs(): number | undefined {
    if (this.#open > 1) return RECALL_AFTER_MS
    const [first] = this.#unsettled()
    if (!first) return undefined
    const [index, { timeoutMs }] = first
    if (timeoutMs === 0) return undefined
    const hasStarted = isRunning(this.state.stateOf(index))
    return hasStarted ? this.state.startedAt + timeoutMs - monotonicMs() : timeoutMs
  }

  #look(): void {
    const now = monotonicMs()
    if (this.state.threadId !== 0) this.#begunAt ??= now
    for (const [index, job] of this.#unsettled()) {
      if (!isRunning(this.state.stateOf(index))) continue
      this.noteStarted(index, this.#startOfRunning)
      if (job.timeoutMs > 0 && now - this.state.startedAt >= job.timeoutMs) this.stop(job, 'timedOut')
      break
    }
    if (this.#begunAt !== undefined && this.#open > 1) this.recall()
    this.#watch()
  }

  #stopTimers(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#graceTimer)
  }
}

/** What a job threw, as its thread encoded it; a worker module may have sent anything in its place. */
function errorIn(bytes: Uint8Array): ErrorData {
  try {
    const data = decode(bytes)
    return isErrorData(data) ? data : toErrorData(data)
  } catch (error) {
    return toErrorData(error)
  }
}

function isRunning(word: number): boolean {
  return word === STARTED || word === LISTENING
}
