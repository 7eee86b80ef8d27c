/**
 * What is known of each job of a waybill.
 *
 * ```
 *  UNKNOWN ──it has started──▶ SEEN ──▶ SETTLED      it has a result
 *     └──it was taken back before──▶ RETURNED
 * ```
 */
const UNKNOWN = 0
const SEEN = 1
const SETTLED = 2
const RETURNED = 3

export class JobMarks<Job> {
  readonly #jobs: readonly Job[]
  readonly #marks: Uint8Array
  /** How many jobs are neither settled nor returned. */
  #open: number

  constructor(jobs: readonly Job[]) {
    this.#jobs = jobs
    this.#marks = new Uint8Array(jobs.length)
    this.#open = jobs.length
  }

  get open(): number {
    return this.#open
  }

  isOpen(index: number): boolean {
    const mark = this.#marks[index]
    return mark === UNKNOWN || mark === SEEN
  }

  isReturned(index: number): boolean {
    return this.#marks[index] === RETURNED
  }

  /** Whether it is news that this job has started. */
  see(index: number): boolean {
    if (this.#marks[index] !== UNKNOWN) return false
    this.#marks[index] = SEEN
    return true
  }

  settle(index: number): void {
    this.#marks[index] = SETTLED
    this.#open--
  }

  return(index: number): void {
    this.#marks[index] = RETURNED
    this.#open--
  }

  /** The open ones, by index. */
  unsettled(): [number, Job][] {
    return [...this.#jobs.entries()].filter(([index]) => this.isOpen(index))
  }
}
