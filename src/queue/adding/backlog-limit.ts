/**
 * The limit before the backlog: with `maxBacklog` or `maxBacklogBytes`, no more jobs come in than fit, and those that do not fit
 * wait here, in the order in which they came. Jobs that return to the backlog do not pass it.
 *
 * ```
 *  enter ──fits, and nobody waits──▶ in
 *    ├────wait──▶ waiting ──room, and first in line──▶ in
 *    │               └──────close──▶ refused
 *    └────reject, or larger than the backlog──▶ refused
 * ```
 */
import { BacklogFullError } from '../../errors/errors.js'
import type { Store } from '../../store/store.js'

/** What becomes of jobs that do not fit: they wait for room, or are refused. */
export type OnFull = 'wait' | 'reject'

/** There may be a million of them: each has its members, and no closures beside those of its promise. */
interface Entrant {
  readonly count: number
  readonly bytes: number
  readonly add: () => Promise<unknown>
  readonly resolve: (added: Promise<unknown>) => void
  readonly reject: (error: Error) => void
  next: Entrant | undefined
}

export interface BacklogBounds {
  /** How many jobs may wait or be delayed. */
  readonly jobs: number
  /** How many bytes they may take. */
  readonly bytes: number
  readonly onFull: OnFull
}

export class BacklogLimit {
  readonly #bounds: BacklogBounds
  readonly #store: Pick<Store, 'counts' | 'backlogBytes'>
  /** Jobs that have entered and are not counted yet: their keys are being looked up. */
  #entering = 0
  #enteringBytes = 0
  #first: Entrant | undefined
  #last: Entrant | undefined

  constructor(bounds: BacklogBounds, store: Pick<Store, 'counts' | 'backlogBytes'>) {
    this.#bounds = bounds
    this.#store = store
  }

  /** Whether anything is ever kept out. */
  get isLimited(): boolean {
    return this.#bounds.jobs !== Number.POSITIVE_INFINITY || this.countsBytes
  }

  /** Whether it matters how large jobs are. */
  get countsBytes(): boolean {
    return this.#bounds.bytes !== Number.POSITIVE_INFINITY
  }

  /** Calls `add`, which adds so many jobs of so many bytes, when there is room for all of them: at once, if there is. */
  enter<T>(
    count: number,
    bytes: number,
    add: () => Promise<T>,
    onFull: OnFull = this.#bounds.onFull,
  ): Promise<T> {
    if (!this.isLimited) return add()
    if (count > this.#bounds.jobs || bytes > this.#bounds.bytes)
      return Promise.reject(new BacklogFullError(this.#bounds, { jobs: count, bytes }))
    if (!this.#first && this.#fits(count, bytes)) return this.#pass(count, bytes, add)
    if (onFull === 'reject') return Promise.reject(new BacklogFullError(this.#bounds))
    return new Promise<unknown>((resolve, reject) => {
      const entrant: Entrant = { count, bytes, add, resolve, reject, next: undefined }
      if (this.#last) this.#last.next = entrant
      else this.#first = entrant
      this.#last = entrant
    }) as Promise<T>
  }

  /** There may be room: lets in who fits. */
  admit(): void {
    while (this.#first && this.#fits(this.#first.count, this.#first.bytes)) {
      const { count, bytes, add, resolve } = this.#first
      this.#shift()
      resolve(this.#pass(count, bytes, add))
    }
  }

  /** Refuses all that wait. */
  close(error: Error): void {
    for (let entrant = this.#shift(); entrant; entrant = this.#shift()) entrant.reject(error)
  }

  #fits(count: number, bytes: number): boolean {
    return (
      this.#backlog() + this.#entering + count <= this.#bounds.jobs &&
      this.#store.backlogBytes() + this.#enteringBytes + bytes <= this.#bounds.bytes
    )
  }

  #backlog(): number {
    const { waiting, delayed } = this.#store.counts()
    return waiting + delayed
  }

  #pass<T>(count: number, bytes: number, add: () => Promise<T>): Promise<T> {
    const before = this.#backlog()
    const bytesBefore = this.#store.backlogBytes()
    const added = add()
    const uncounted = count - (this.#backlog() - before)
    if (uncounted > 0) {
      const uncountedBytes = bytes - (this.#store.backlogBytes() - bytesBefore)
      this.#entering += uncounted
      this.#enteringBytes += uncountedBytes
      const done = () => {
        this.#entering -= uncounted
        this.#enteringBytes -= uncountedBytes
        this.admit()
      }
      added.then(done, done)
    }
    return added
  }

  #shift(): Entrant | undefined {
    const first = this.#first
    this.#first = first?.next
    if (!this.#first) this.#last = undefined
    return first
  }
}
