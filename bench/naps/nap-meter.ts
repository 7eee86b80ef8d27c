/**
 * Measures naps while they pass: which share of the threads' time is slept, and what that costs the main thread.
 *
 * ```
 *  STARTING ──every thread has ended a nap──▶ WARMING ──▶ MEASURING ──▶ OVER
 * ```
 *
 * Threads that begin together end their naps together, wave after wave. So a measurement begins and ends after a whole number of
 * waves: the number of naps before it, and in it, is a multiple of the number of threads.
 */
import { performance } from 'node:perf_hooks'
import { mainThreadMs } from '../cpu.js'

export interface NapTimes {
  /** A thread that has ended no nap for so long after the first one ended is waited for no longer. */
  readonly startMs: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

/** What the main thread has spent, in ms. */
export interface Spent {
  readonly cpuMs: number
  /** The time that its event loop was active. */
  readonly activeMs: number
}

export interface Clocks {
  /** In ms. */
  now(): number
  /** Is read twice only, for it takes a while. */
  spent(): Spent
}

export type NapFigures = {
  /** Time slept, in % of the threads' time. */
  readonly share: number
  /** Time that the event loop was active, in % of the time. */
  readonly busy: number
  /** CPU time of the main thread, in µs per nap. */
  readonly cpuUs: number
}

export class NapMeter {
  /** Fulfilled when the measurement is over. */
  readonly figures: Promise<NapFigures>
  #tell: (figures: NapFigures) => void = () => {}
  readonly #threads: number
  readonly #napMs: number
  readonly #times: NapTimes
  readonly #clocks: Clocks
  readonly #seen = new Set<number>()
  #state: 'STARTING' | 'WARMING' | 'MEASURING' | 'OVER' = 'STARTING'
  #finished = 0
  /** When the state ends at the latest, or at the earliest. */
  #untilMs: number | undefined
  #beganMs = 0
  #before: Spent | undefined
  #finishedBefore = 0

  constructor(threads: number, napMs: number, times: NapTimes, clocks: Clocks = CLOCKS) {
    this.#threads = threads
    this.#napMs = napMs
    this.#times = times
    this.#clocks = clocks
    this.figures = new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  get isOver(): boolean {
    return this.#state === 'OVER'
  }

  /** A nap's end was reported, by the thread with this id. */
  note(thread: number): void {
    this.#finished++
    const now = this.#clocks.now()
    if (this.#state === 'STARTING') this.#noteStarted(thread, now)
    if (this.#untilMs === undefined || now < this.#untilMs) return
    if (this.#finished % this.#threads !== 0) return
    if (this.#state === 'WARMING') this.#begin(now)
    else if (this.#state === 'MEASURING') this.#end(now)
  }

  #noteStarted(thread: number, now: number): void {
    this.#seen.add(thread)
    this.#untilMs ??= now + this.#times.startMs
    if (this.#seen.size < this.#threads && now < this.#untilMs) return
    this.#state = 'WARMING'
    this.#untilMs = now + this.#times.warmUpMs
  }

  #begin(now: number): void {
    this.#state = 'MEASURING'
    this.#untilMs = now + this.#times.measuredMs
    this.#beganMs = now
    this.#before = this.#clocks.spent()
    this.#finishedBefore = this.#finished
  }

  #end(now: number): void {
    const spent = this.#clocks.spent()
    const before = this.#before ?? spent
    const naps = this.#finished - this.#finishedBefore
    const tookMs = now - this.#beganMs
    this.#state = 'OVER'
    this.#tell({
      share: (100 * naps * this.#napMs) / (this.#threads * tookMs),
      busy: (100 * (spent.activeMs - before.activeMs)) / tookMs,
      cpuUs: (1000 * (spent.cpuMs - before.cpuMs)) / naps,
    })
  }
}

const CLOCKS: Clocks = {
  now: () => performance.now(),
  spent: () => ({ cpuMs: mainThreadMs(), activeMs: performance.eventLoopUtilization().active }),
}
