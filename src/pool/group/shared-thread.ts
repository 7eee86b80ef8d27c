/**
 * A thread that jobs of one task share, each in a waybill of its own. It counts from the claim of the first of them until the last
 * one is through.
 *
 * ```
 *  claimed ──its first waybill is dispatched──▶ at work ──its last waybill is done, or the thread ends──▶ claimed, or over
 * ```
 *
 * While it is at work, its thread is given no other waybills. A thread that is about to end takes no more of them.
 */
export class SharedThread {
  /** How many waybills it may have at the same time. */
  readonly most: number
  /** How many waybills are claimed for it, or with it. */
  out = 0
  /** The thread that works on them. */
  thread: { readonly isUsable: boolean } | undefined

  constructor(most: number) {
    this.most = most
  }

  /** Whether one more waybill may be claimed for it. */
  get hasRoom(): boolean {
    return this.out < this.most && (this.thread?.isUsable ?? true)
  }

  /** Whether a waybill for it needs no free thread. */
  get isAtWork(): boolean {
    return this.thread?.isUsable === true
  }
}
