/**
 * A timer set by the wall clock, which may jump: it never sleeps long, and looks again. Nothing tells a process of a jump; a look
 * a second costs microseconds, and only while something is due. It sleeps in the asynchronous context in which it was made: one in
 * the context of the caller would keep what the caller's `AsyncLocalStorage` holds.
 */
import { AsyncResource } from 'node:async_hooks'

const LONGEST_SLEEP_MS = 1000

export class WakeTimer {
  readonly #wake: () => void
  readonly #context = new AsyncResource('millrace.timer')
  #timer: NodeJS.Timeout | undefined
  #at: number | undefined
  #isRef = true

  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** Calls back at this time (ms since the epoch), in place of any set before; `undefined`: not at all. */
  wakeAt(at: number | undefined): void {
    if (at === this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    if (at !== undefined) this.#context.runInAsyncScope(this.#sleep, this, at)
  }

  stop(): void {
    this.wakeAt(undefined)
  }

  /** Lets the process end while the timer sleeps. */
  unref(): void {
    this.#isRef = false
    this.#timer?.unref()
  }

  ref(): void {
    this.#isRef = true
    this.#timer?.ref()
  }

  #sleep(at: number): void {
    const ms = Math.min(Math.max(0, at - Date.now()), LONGEST_SLEEP_MS)
    this.#timer = setTimeout(() => {
      if (Date.now() < at) return this.#sleep(at)
      this.#at = undefined
      this.#wake()
    }, ms)
    if (!this.#isRef) this.#timer.unref()
  }
}
