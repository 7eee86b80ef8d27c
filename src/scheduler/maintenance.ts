/** What goes by the clock: delayed jobs that fall due, finished ones that grow too old. */
import type { Store } from '../store/store.js'
import { WakeTimer } from './wake-timer.js'

const PRUNE_INTERVAL_MS = 60_000

export class Maintenance {
  readonly #store: Store
  readonly #dueTimer: WakeTimer
  #pruneTimer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(store: Store) {
    this.#store = store
    this.#dueTimer = new WakeTimer(() => this.#promote())
  }

  start(): void {
    this.#pruneTimer = setInterval(() => this.#prune(), PRUNE_INTERVAL_MS).unref()
    this.due()
    this.#prune()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#pruneTimer)
    this.#dueTimer.stop()
  }

  /** The next due time may have changed. */
  due(): void {
    if (!this.#isStopped) this.#dueTimer.wakeAt(this.#store.nextDue())
  }

  /** Lets the process end before delayed jobs are due. */
  unref(): void {
    this.#dueTimer.unref()
  }

  ref(): void {
    this.#dueTimer.ref()
  }

  // Both are the store's own work: if it fails, the store says so itself.

  #promote(): void {
    this.#store.promote(Date.now()).then(
      () => this.due(),
      () => {},
    )
  }

  #prune(): void {
    this.#store.prune(Date.now()).catch(() => {})
  }
}
