/** The module that a thread loads for a job of its waybill: which job, and for how long it may go on. */
import type { ErrorData } from '../../errors/error-data.js'
import { notLoaded, type Timed } from './result.js'

/** A module may take so long to load where one that fails is not tried again (`loadTimeout: 0`), in ms. */
const LOAD_MS = 60_000

export class ModuleLoading {
  readonly #timeoutMs: number
  /** Nothing comes of it any more. */
  readonly #giveUp: () => void
  #index: number | undefined
  #error: ErrorData | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(loadTimeoutMs: number, giveUp: () => void) {
    this.#timeoutMs = loadTimeoutMs || LOAD_MS
    this.#giveUp = giveUp
  }

  /** The job that waits for it. */
  get index(): number | undefined {
    return this.#index
  }

  /** Why it was given up. */
  get error(): ErrorData | undefined {
    return this.#error
  }

  begin(index: number, job: Timed | undefined): void {
    this.end()
    this.#index = index
    this.#timer = setTimeout(() => {
      this.#error = notLoaded(job, `took longer than ${this.#timeoutMs} ms`)
      this.#giveUp()
    }, this.#timeoutMs)
  }

  end(): void {
    this.#index = undefined
    this.stopTimer()
  }

  stopTimer(): void {
    clearTimeout(this.#timer)
  }
}
