/**
 * What happens when no thread starts.
 *
 * ```
 *  trying ──a start is refused──▶ pausing ──the pause is over──▶ trying again ──a thread has started──▶ trying
 *                                   ▲                               │
 *                                   └──refused: twice the pause─────┘
 * ```
 *
 * That is no job's fault. No other start is tried for a while, which doubles each time. It is told once.
 */
import { ThreadStartError } from '../../errors/thread-errors.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

interface StartPauseEvents {
  /** A start may be tried again, or one has succeeded. */
  over(): void
  trouble(error: Error): void
}

export class StartPause {
  readonly #events: StartPauseEvents
  #pauseMs = 0
  #untilMs = 0
  #timer: NodeJS.Timeout | undefined
  #refusals = 0
  #lastTrouble = ''

  constructor(events: StartPauseEvents) {
    this.#events = events
  }

  /** How long no start is tried, in ms from now: 0 or less if one may be. */
  get leftMs(): number {
    return this.#untilMs - Date.now()
  }

  /** How many starts were refused up to now. */
  get refusals(): number {
    return this.#refusals
  }

  /** A thread has started that was asked for when so many had been refused. */
  noteStarted(refusals: number): void {
    if (refusals !== this.#refusals) return
    this.#pauseMs = 0
    this.#untilMs = 0
    this.#lastTrouble = ''
    this.#events.over()
  }

  noteRefused(cause: unknown): void {
    this.#refusals++
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs))
    this.#untilMs = Date.now() + this.#pauseMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#events.over(), this.#pauseMs)
    const error = new ThreadStartError(cause)
    if (error.message !== this.#lastTrouble) this.#events.trouble(error)
    this.#lastTrouble = error.message
  }

  /** The pool closes. */
  stop(): void {
    clearTimeout(this.#timer)
  }
}
