/**
 * The limit before the backlog: with `maxBacklog`, no more jobs come in than fit, and those that do not fit wait here, in the
 * order in which they came. Jobs that return to the backlog do not pass it.
 *
 * ```
 *  enter ──fits, and nobody waits──▶ in
 *    ├────wait──▶ waiting ──room, and first in line──▶ in
 *    │               └──────close──▶ refused
 *    └────reject, or larger than the backlog──▶ refused
 * ```
 */
import { BacklogFullError } from '../../errors/errors.js'
import type { JobCounts } from '../../job/job.js'

/** What becomes of jobs that do not fit: they wait for room, or are refused. */
export type OnFull = 'wait' | 'reject'

/** There may be a million of them: each has its members, and no closures beside those of its promise. */
interface Entrant {
  readonly count: number
  readonly add: () => Promise<unknown>
  readonly resolve: (added: Promise<unknown>) => void
  readonly reject: (error: Error) => void
  next: Entrant | undefined
}

export class BacklogLimit {
  readonly #most: number
  readonly #onFull: OnFull
  readonly #counts: () => JobCounts
  /** Jobs that have entered and are not counted yet: their keys are being looked up. */
  #entering = 0
  #first: Entrant | undefined
  #last: Entrant | undefined

  constructor({ most, onFull }: { most: number; onFull: OnFull }, counts: () => JobCounts) {
    this.#most = most
    this.#onFull = onFull
    this.#counts = counts
  }

  /** Whether anything is ever kept out. */
  get isLimited(): boolean {
    return this.#most !== Number.POSITIVE_INFINITY
  }

  /** Calls `add`, which adds so many jobs, when there is room for all of them: at once, if there is. */
  enter<T>(count: number, add: () => Promise<T>, onFull: OnFull = this.#onFull): Promise<T> {
    if (!this.isLimited) return add()
    if (count > this.#most) return Promise.reject(new BacklogFullError(this.#most, count))
    if (!this.#first && this.#fits(count)) return this.#pass(count, add)
    if (onFull === 'reject') return Promise.reject(new BacklogFullError(this.#most))
    return new Promise<unknown>((resolve, reject) => {
      const entrant: Entrant = { count, add, resolve, reject, next: undefined }
      if (this.#last) this.#last.next = entrant
      else this.#first = entrant
      this.#last = entrant
    }) as Promise<T>
  }

  /** There may be room: lets in who fits. */
  admit(): void {
    while (this.#first && this.#fits(this.#first.count)) {
      const { count, add, resolve } = this.#first
      this.#shift()
      resolve(this.#pass(count, add))
    }
  }

  /** Refuses all that wait. */
  close(error: Error): void {
    for (let entrant = this.#shift(); entrant; entrant = this.#shift()) entrant.reject(error)
  }

  #fits(count: number): boolean {
    return this.#backlog() + this.#entering + count <= this.#most
  }

  #backlog(): number {
    const { waiting, delayed } = this.#counts()
    return waiting + delayed
  }

  #pass<T>(count: number, add: () => Promise<T>): Promise<T> {
    const before = this.#backlog()
    const added = add()
    const uncounted = count - (this.#backlog() - before)
    if (uncounted > 0) {
      this.#entering += uncounted
      const done = () => {
        this.#entering -= uncounted
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
