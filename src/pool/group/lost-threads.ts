/**
 * Threads that were killed and do not end, because they run code that cannot be interrupted.
 *
 * On a busy machine such a thread may end soon after all. So it is told of a little later, or when the queue closes.
 */

/** How long after a thread was given up that is told. */
const TOLD_AFTER_MS = 1000

export class LostThreads<Thread> {
  readonly #lost = new Map<Thread, { readonly tell: () => void; readonly timer: NodeJS.Timeout }>()

  get count(): number {
    return this.#lost.size
  }

  /** `tell` is called if it does not end soon. */
  add(thread: Thread, tell: () => void): void {
    this.#lost.set(thread, { tell, timer: setTimeout(tell, TOLD_AFTER_MS).unref() })
  }

  /** It has ended after all. */
  delete(thread: Thread): void {
    clearTimeout(this.#lost.get(thread)?.timer)
    this.#lost.delete(thread)
  }

  /** Tells of all of them now. */
  tellAll(): void {
    for (const { tell, timer } of this.#lost.values()) {
      clearTimeout(timer)
      tell()
    }
  }
}
