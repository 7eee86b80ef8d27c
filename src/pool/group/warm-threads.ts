/**
 * Keeps a number of threads alive, whether there are jobs or not.
 *
 * ```
 *  enough ──a thread ends──▶ short ──others are started──▶ enough
 *                              ▲ └──one ends before it has run a job──▶ pausing
 *                              └──────────the pause is over────────────────┘
 * ```
 *
 * A thread that ends is replaced at once. If one ends before it has run a job, the next ones may do the same, so the next start
 * waits. The pause doubles each time. Threads that jobs need are started all the same.
 */
import { type ErrorData, toError } from '../../errors/error-data.js'
import { WorkerModuleError } from '../../errors/errors.js'
import type { Death } from '../waybill/blame.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

interface WarmThreadsParts {
  /** How many threads there are. */
  size(): number
  /** Starts a thread that waits for work. `false`: none can be started now. */
  start(): boolean
  trouble(error: Error): void
}

export class WarmThreads {
  readonly #parts: WarmThreadsParts
  #count = 0
  #pauseMs = 0
  #timer: NodeJS.Timeout | undefined
  #lastTrouble = ''

  constructor(parts: WarmThreadsParts) {
    this.#parts = parts
  }

  /** How many threads are kept. */
  get count(): number {
    return this.#count
  }
  set count(count: number) {
    this.#count = count
    this.fill()
  }

  /** Starts those that are missing. */
  fill(): void {
    while (!this.#timer && this.#parts.size() < this.#count) if (!this.#parts.start()) break
  }

  /** A thread has run jobs: threads do work. */
  noteWorked(): void {
    this.#pauseMs = 0
    this.#lastTrouble = ''
  }

  /** A thread has ended. `hadWork`: the job that it had tells what was wrong. */
  noteEnded(
    { hasRun, isSetUp }: { readonly hasRun: boolean; readonly isSetUp: boolean },
    hadWork: boolean,
    { isKilled, error }: Death,
  ): void {
    if (isKilled || hasRun) return
    if (isSetUp || hadWork) this.#pause()
    else this.noteNotSetUp(error.cause ?? error)
  }

  /** The setup of a thread that had no job has failed. Said once, not for each thread. */
  noteNotSetUp(error: ErrorData): void {
    this.#pause()
    if (error.message !== this.#lastTrouble)
      this.#parts.trouble(
        new WorkerModuleError(`${error.message}; a thread that had no job yet was given up. Mend the setup`, {
          cause: toError(error),
        }),
      )
    this.#lastTrouble = error.message
  }

  /** Keeps none any more. */
  stop(): void {
    this.#count = 0
    clearTimeout(this.#timer)
  }

  /** Several threads may fail at once. */
  #pause(): void {
    if (this.#timer) return
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.fill()
    }, this.#pauseMs).unref()
  }
}
