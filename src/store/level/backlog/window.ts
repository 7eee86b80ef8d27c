/**
 * A window: the first entries of an ordered key range, in memory, so that taking the next one costs no read and never walks
 * over the tombstones of the ones taken before.
 *
 * Invariant: each live entry of the range with a key up to `#end` is in `#entries`, unless it was taken; entries after
 * `#end` are on disk only. While `#isCovering`, there are none of those: the window covers the whole range.
 *
 * ```
 *  covering ──insert beyond capacity──▶ partial ──half empty──▶ filling ──read──▶ partial, or covering at the range's end
 * ```
 *
 * While it is filling, what joins and leaves the range is noted, and outweighs what the read brings.
 */
import type { Limit, Read } from '../format/bounded-read.js'

export interface Entry<K = Buffer> {
  readonly key: K
  /** What it occupies in memory, about. */
  readonly bytes: number
}

/** The order of the keys, and for each a name of its own. */
export interface Order<K> {
  compare(a: K, b: K): number
  nameOf(key: K): string | number
}

export const BYTE_ORDER: Order<Buffer> = {
  compare: (a, b) => a.compare(b),
  nameOf: (key) => key.toString('latin1'),
}

export interface WindowSource<E extends Entry<K>, K = Buffer> {
  readonly order: Order<K>
  /** Reads entries after `after` (from the range's start if undefined), as of the moment of the call. */
  read(after: K | undefined, limit: Limit): Promise<Read<E>>
  /** Calls back where memory and disk agree. */
  between(look: () => void): void
  /** Whether a stored entry may be taken: it is not taken already. */
  isFree(entry: E): boolean
  /** The window was filled. */
  filled(): void
  failed(error: unknown): void
}

export class Window<E extends Entry<K>, K = Buffer> {
  readonly #source: WindowSource<E, K>
  readonly #order: Order<K>
  readonly #capacity: number
  readonly #maxBytes: number
  /** From `#head` on: the live entries, sorted by key. Before it: `undefined`, so that taken entries can be freed. */
  #entries: (E | undefined)[] = []
  #head = 0
  #bytes = 0
  #isCovering = true
  #end: K | undefined
  #isFilling = false
  /** The entries that joined (or, undefined, left) since the read began, by key. */
  #filling: Map<string | number, E | undefined> | undefined

  /** Starts empty and covering: true of a range that is empty. For one that is not, `fill` first. */
  constructor(source: WindowSource<E, K>, capacity: number, maxBytes: number) {
    this.#source = source
    this.#order = source.order
    this.#capacity = capacity
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#entries.length - this.#head
  }

  /** Whether no entry of the range is on disk only. */
  get isCovering(): boolean {
    return this.#isCovering
  }

  peek(): E | undefined {
    return this.#entries[this.#head]
  }

  take(): E | undefined {
    const entry = this.#entries[this.#head]
    if (!entry) return undefined
    this.#entries[this.#head++] = undefined
    this.#bytes -= entry.bytes
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) this.#trimHead()
    this.#refill()
    return entry
  }

  /** An entry has joined the range on disk, or is free again. */
  insert(entry: E): void {
    if (!this.#covers(entry.key)) {
      this.#filling?.set(this.#order.nameOf(entry.key), entry)
      return
    }
    this.#place(entry)
    this.#bound()
  }

  /** An entry that was taken has left the range on disk. */
  forget(key: K): void {
    this.#filling?.set(this.#order.nameOf(key), undefined)
  }

  /** An entry has left the range on disk, or must not be taken. */
  remove(key: K): void {
    this.forget(key)
    const index = this.#indexOf(key)
    const entry = this.#entries[index]
    if (!entry || this.#order.compare(entry.key, key) !== 0) return
    this.#entries.splice(index, 1)
    this.#bytes -= entry.bytes
    this.#refill()
  }

  *[Symbol.iterator](): Iterator<E> {
    for (let index = this.#head; index < this.#entries.length; index++) yield this.#entries[index] as E
  }

  /** Reads the first entries of a range that is not empty. */
  async fill(): Promise<void> {
    this.#isCovering = false
    await this.#fill()
  }

  #refill(): void {
    if (this.#isCovering || this.#isFilling) return
    // By either measure: a few large entries fill a window too.
    if (this.length > this.#capacity / 2 || this.#bytes > this.#maxBytes / 2) return
    this.#fill().catch((error: unknown) => this.#source.failed(error))
  }

  #covers(key: K): boolean {
    return this.#isCovering || (this.#end !== undefined && this.#order.compare(key, this.#end) <= 0)
  }

  async #fill(): Promise<void> {
    this.#isFilling = true
    const after = this.#end
    const changes = new Map<string | number, E | undefined>()
    const limit = { entries: this.#capacity, bytes: this.#maxBytes }
    const { entries, isLast } = await new Promise<Read<E>>((resolve, reject) => {
      this.#source.between(() => {
        this.#filling = changes
        this.#source.read(after, limit).then(resolve, reject)
      })
    })
    this.#filling = undefined
    this.#isFilling = false
    // Earlier entries may have pushed the end forward meanwhile: what was read would leave a gap behind them.
    if (this.#end !== after) return this.#refill()
    this.#isCovering = isLast
    this.#end = isLast ? undefined : (entries.at(-1)?.key ?? after)
    for (const entry of entries)
      if (!changes.has(this.#order.nameOf(entry.key)) && this.#source.isFree(entry)) this.#place(entry)
    // What joined meanwhile may have made it fuller than it was when the read began.
    this.#bound()
    for (const entry of changes.values()) if (entry) this.insert(entry)
    this.#source.filled()
    this.#refill()
  }

  #place(entry: E): void {
    const last = this.#entries.at(-1)
    if (this.length === 0 || (last && this.#order.compare(last.key, entry.key) < 0)) this.#entries.push(entry)
    else {
      const index = this.#indexOf(entry.key)
      const same = this.#entries[index]
      if (same && this.#order.compare(same.key, entry.key) === 0) return
      this.#entries.splice(index, 0, entry)
    }
    this.#bytes += entry.bytes
  }

  /** The index of the first live entry that is not before `key`. */
  #indexOf(key: K): number {
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#order.compare((this.#entries[middle] as E).key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #bound(): void {
    if (this.length > 2 * this.#capacity || (this.#bytes > 2 * this.#maxBytes && this.length > 1))
      this.#trimTail()
  }

  #trimHead(): void {
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }

  #trimTail(): void {
    this.#trimHead()
    let kept = 0
    let bytes = 0
    for (const entry of this) {
      if (kept > 0 && (kept === this.#capacity || bytes + entry.bytes > this.#maxBytes)) break
      bytes += entry.bytes
      kept++
    }
    this.#entries.length = kept
    this.#bytes = bytes
    this.#isCovering = false
    this.#end = this.#entries.at(-1)?.key
  }
}
