/**
 * A waybill while it is out, as the main thread sees it: which jobs are in it, what has come back, which are to be stopped.
 *
 * ```
 *  lying ──its thread is free──▶ begun ──every job has a result──▶ settled
 *    └──────────┬──────────────────┘                                  ▲
 *               └──the thread has ended: see `blame.ts`───────────────┘
 * ```
 *
 * A waybill lies with its thread until the one before it is done. Then it is begun: its jobs are looked after by timers. A job
 * that has not started can be taken back at any time.
 */
import type { ErrorData } from '../../errors/error-data.js'
import { LONGEST_TIMER_MS } from '../../job/duration.js'
import { blame, type Death } from './blame.js'
import { JobMarks } from './job-marks.js'
import { ModuleLoading } from './module-loading.js'
import { errorIn, readOutcomes } from './outcome-buffer.js'
import { endedWhileLoading, keptBack, type Result, type StopReason, type Timed } from './result.js'
import {
  isRunning,
  KILLED,
  LISTENING,
  monotonicMs,
  RECALL_AFTER_MS,
  RECALLED,
  SharedState,
  STARTED,
  STOP_WORD,
  WAITING,
} from './waybill.js'

export interface WaybillLimits {
  /** How long a stopped job that listens to its signal may take to end. */
  readonly abortGrace: number
  /** How long a module may take to load. */
  readonly loadTimeout: number
}

export interface WaybillEvents<Job> {
  results(results: Result<Job>[]): void
  /** A job has started at this time, in ms since the epoch. */
  started(job: Job, at: number): void
  /** Its thread is through with it, or has ended. */
  freed(): void
  /** None of its jobs has started, and none will: it may be handed out again. In place of results and of `freed`. */
  takenBack?: (() => void) | undefined
}

/** The thread that a waybill is given to. */
export interface WaybillThread {
  /** End it. */
  kill(): void
  /** A job turned out long: what has not started was taken back. */
  noteLate(): void
}

export class DispatchedWaybill<Job extends Timed> {
  readonly number: number
  readonly jobs: readonly Job[]
  readonly state: SharedState
  readonly #events: WaybillEvents<Job>
  readonly #limits: WaybillLimits
  readonly #marks: JobMarks<Job>
  readonly #stops = new Map<number, StopReason>()
  #thread: WaybillThread | undefined
  #hasBegun = false
  #isTakenBack = false
  readonly #loading: ModuleLoading
  #timer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor(number: number, jobs: readonly Job[], limits: WaybillLimits, events: WaybillEvents<Job>) {
    this.number = number
    this.jobs = jobs
    this.state = new SharedState(jobs.length)
    this.#events = events
    this.#limits = limits
    this.#marks = new JobMarks(jobs)
    this.#loading = new ModuleLoading(limits.loadTimeout, () => this.#kill())
  }

  /** It was put into a thread's port. */
  lie(thread: WaybillThread): void {
    this.#thread = thread
  }

  /** The job with this index says something. `undefined`: it does not run. */
  speaking(index: number): Job | undefined {
    const job = this.jobs[index]
    if (!job || !this.#marks.isOpen(index) || this.state.stateOf(index) === WAITING) return undefined
    this.#noteStarted(index, this.#startOfRunning)
    return job
  }

  /** When the job started that runs now, in ms since the epoch. */
  get #startOfRunning(): number {
    return Math.round(Date.now() - (monotonicMs() - this.state.startedAt))
  }

  /** The jobs that run. */
  running(): Job[] {
    return this.#marks
      .unsettled()
      .flatMap(([index, job]) => (this.state.stateOf(index) === WAITING ? [] : [job]))
  }

  /** Its thread takes it now, or as soon as it has started. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    // Of several, the first outcome or look will tell.
    if (this.jobs.length === 1 && this.#marks.open === 1) this.#noteStarted(0, Date.now())
    this.#watch()
  }

  /** Its thread is through with it, or has ended. A job that has started and has no outcome is charged. */
  free(): void {
    this.#endTimers()
    if (this.#marks.open > 0) this.#tellRest((job, index) => keptBack(job, this.state.stateOf(index)))
    if (!this.#isTakenBack) this.#events.freed()
  }

  /** Outcomes have arrived from the thread. */
  receive(packed: Uint8Array): void {
    const results: Result<Job>[] = []
    const now = Date.now()
    readOutcomes(packed, (index, isError, ranMs, bytes) => {
      const job = this.jobs[index]
      // A job that its thread has not even started has no outcome, whatever a worker module posts.
      if (!job || !this.#marks.isOpen(index) || this.state.stateOf(index) === WAITING) return
      const reason = this.#stops.get(index)
      this.#noteStarted(index, Math.trunc(now - ranMs))
      this.#marks.settle(index)
      if (reason) results.push({ kind: 'stopped', job, reason })
      else if (isError) results.push({ kind: 'threw', job, error: errorIn(bytes), ranMs })
      else results.push({ kind: 'completed', job, output: bytes, ranMs })
    })
    this.#tell(results)
  }

  /** The thread begins to load the module of a job, or is done with that. The job starts after it. */
  noteLoading(index: number, isLoading: boolean): void {
    if (!isLoading) return this.#loading.end()
    this.#loading.begin(index, this.jobs[index])
    // The job was stopped before this was known.
    if (this.#stops.has(index)) this.#kill()
  }

  /** Its module could not be loaded. The others, which may need the same one, go back. */
  noteUnloadable(index: number, error: ErrorData): void {
    this.#loading.end()
    const job = this.jobs[index]
    if (job && this.#marks.isOpen(index)) {
      this.#marks.settle(index)
      this.#tell([{ kind: 'unloadable', job, error }])
    }
    this.recall()
  }

  /** Takes back the jobs that the thread has not started: the last one first, for the thread, which goes on, starts at the front. */
  recall(): void {
    const isWhole = this.#marks.open === this.jobs.length && !this.#hasBegun
    const results: Result<Job>[] = []
    for (const [index, job] of this.#marks.unsettled().reverse())
      if (index !== this.#loading.index && this.state.move(index, WAITING, RECALLED)) {
        this.#marks.return(index)
        results.push({ kind: 'returned', job, alone: false })
      }
    const { takenBack } = this.#events
    if (takenBack && isWhole && this.#marks.open === 0) {
      this.#isTakenBack = true
      takenBack()
    } else this.#tell(results.reverse())
  }

  /** Takes back all jobs: no thread can be started for them. */
  giveUp(holdMs: number): void {
    this.#tellRest((job) => ({ kind: 'threadless', job, holdMs }))
  }

  /**
   * Stops a job: one that has not started at once; one that listens to its signal is asked, and given `abortGrace` ms; any
   * other is stopped by ending its thread. `false`: it has finished already; `undefined`: it was taken back.
   */
  stop(job: Job, reason: StopReason): boolean | undefined {
    const index = this.jobs.indexOf(job)
    if (this.#marks.isReturned(index)) return undefined
    if (!this.#marks.isOpen(index)) return false
    if (this.#stops.has(index)) return true
    if (this.state.move(index, WAITING, RECALLED)) {
      this.#stops.set(index, reason)
      // Its module may never be done loading.
      if (this.#loading.index === index) this.#kill()
      else {
        this.#marks.settle(index)
        this.#tell([{ kind: 'stopped', job, reason }])
      }
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
      this.#graceTimer = setTimeout(() => this.#kill(), this.#limits.abortGrace)
      return true
    }
    return false
  }

  /** The thread has ended. Gives the only job that may have ended it, if there is just one and it is not charged. */
  judge(death: Death): Job | undefined {
    this.#endTimers()
    const entries = this.#marks.unsettled()
    const verdict = blame(entries, this.state, death)
    const results = entries.map(([index, job]): Result<Job> => {
      const reason = this.#stops.get(index)
      const isLoading = index === this.#loading.index && this.state.move(index, WAITING, RECALLED)
      this.#marks.settle(index)
      if (reason) return { kind: 'stopped', job, reason }
      if (isLoading)
        return { kind: 'unloadable', job, error: this.#loading.error ?? endedWhileLoading(job, death.error) }
      if (index === verdict.culprit) return { kind: 'died', job, error: death.error }
      this.state.move(index, WAITING, RECALLED)
      return { kind: 'returned', job, alone: verdict.suspects.includes(index) }
    })
    this.#tell(results)
    const [suspect] = verdict.suspects
    return verdict.suspects.length === 1 && suspect !== undefined ? this.jobs[suspect] : undefined
  }

  /** Every job has a result, even if the thread has sent none. */
  #tellRest(resultOf: (job: Job, index: number) => Result<Job>): void {
    const results = this.#marks.unsettled().map(([index, job]): Result<Job> => {
      const reason = this.#stops.get(index)
      this.#marks.settle(index)
      return reason ? { kind: 'stopped', job, reason } : resultOf(job, index)
    })
    this.#tell(results)
  }

  #tell(results: Result<Job>[]): void {
    if (this.#marks.open === 0) this.#stopTimers()
    if (results.length > 0) this.#events.results(results)
  }

  #noteStarted(index: number, at: number): void {
    if (this.#marks.see(index)) this.#events.started(this.jobs[index] as Job, at)
  }

  /** Ends the thread, having taken back what would have run on it next. */
  #kill(): void {
    this.recall()
    this.#thread?.kill()
  }

  #watch(): void {
    const waitMs = this.#nextLookMs()
    if (waitMs === undefined) return
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(1, waitMs), LONGEST_TIMER_MS))
  }

  /** When the running job may be due for a look, from now. */
  #nextLookMs(): number | undefined {
    if (this.#marks.open > 1) return RECALL_AFTER_MS
    const [first] = this.#marks.unsettled()
    if (!first) return undefined
    const [index, { timeoutMs }] = first
    if (timeoutMs === 0) return undefined
    return isRunning(this.state.stateOf(index)) ? this.state.startedAt + timeoutMs - monotonicMs() : timeoutMs
  }

  #look(): void {
    for (const [index, job] of this.#marks.unsettled()) {
      if (!isRunning(this.state.stateOf(index))) continue
      this.#noteStarted(index, this.#startOfRunning)
      if (job.timeoutMs > 0 && monotonicMs() - this.state.startedAt >= job.timeoutMs)
        this.stop(job, 'timedOut')
      break
    }
    if (this.state.threadId !== 0 && this.#marks.open > 1) {
      this.recall()
      this.#thread?.noteLate()
    }
    this.#watch()
  }

  #endTimers(): void {
    this.#stopTimers()
    this.#loading.stopTimer()
  }
  #stopTimers(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#graceTimer)
  }
}
