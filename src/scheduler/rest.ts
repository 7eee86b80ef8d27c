/**
 * Whether anything is left to do.
 *
 * ```
 *  busy ──nothing waits or runs──▶ drained ──nothing is delayed either──▶ idle
 *    ▲                                │                                     │
 *    └──────────a job comes, or falls due──────────────────────────────────┘
 * ```
 *
 * The queue becomes idle once: that is told once. Jobs of tasks without a worker do not count.
 */
import type { Lanes } from './lanes/lanes.js'

interface RestParts {
  readonly lanes: Lanes
  /** Whether something is with a thread, or on its way there or back. */
  readonly isAtWork: () => boolean
  readonly idle: () => void
  /** Whether somebody waits for `drained`. */
  readonly isDrainAwaited: () => boolean
  readonly drained: () => void
}

export class Rest {
  readonly #parts: RestParts
  /** How many additions are not counted yet. */
  #adding = 0
  #isIdle: boolean

  constructor(parts: RestParts) {
    this.#parts = parts
    this.#isIdle = parts.lanes.areEmpty
  }

  get isIdle(): boolean {
    return this.#isQuiet && this.#parts.lanes.areEmpty
  }

  get isDrained(): boolean {
    return this.#isQuiet && this.#parts.lanes.areDrained
  }

  /** There is something to do. */
  end(): void {
    this.#isIdle = false
  }

  /** Jobs are being added, and are counted only when their keys have been looked up. */
  adding(added: Promise<unknown>): void {
    this.#adding++
    added.then(this.#added, this.#added)
  }

  /** Tells who waits for it, if nothing is left to do. */
  note(): void {
    if (!this.#isQuiet) return
    const { lanes, idle, isDrainAwaited, drained } = this.#parts
    if (isDrainAwaited() && lanes.areDrained) drained()
    if (this.#isIdle || !lanes.areEmpty) return
    this.#isIdle = true
    idle()
  }

  get #isQuiet(): boolean {
    return this.#adding === 0 && !this.#parts.isAtWork()
  }

  readonly #added = (): void => {
    this.#adding--
    this.note()
  }
}
