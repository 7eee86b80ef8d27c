/**
 * Writes the outcomes of jobs, and tells them once they are durable.
 *
 * A job that is released returns to its old place in line. From the call until that is written, `isReturning` is true: nothing
 * may be claimed meanwhile, because it would overtake the job that returns.
 */
import type { StoredJob } from '../../job/job.js'
import type { Settlement, Store } from '../../store/store.js'
import type { Cancellations } from './cancellations.js'
import { SettledJob } from './outcomes.js'

interface SettlingEvents {
  /** Jobs begin to return to the backlog. */
  returning(): void
  /** They are back. */
  returned(): void
  /** Outcomes are durable. */
  settled(jobs: readonly StoredJob[]): void
  /** A write has ended, and what it means has been told. */
  written(): void
}

export class Settling {
  readonly #store: Store
  readonly #cancellations: Cancellations
  readonly #events: SettlingEvents
  #writing = 0
  #returning = 0

  constructor(store: Store, cancellations: Cancellations, events: SettlingEvents) {
    this.#store = store
    this.#cancellations = cancellations
    this.#events = events
  }

  get isWriting(): boolean {
    return this.#writing > 0
  }

  get isReturning(): boolean {
    return this.#returning > 0
  }

  settle(settlements: readonly Settlement[]): void {
    const isReturn = settlements.some(({ outcome }) => outcome === 'released')
    this.#writing++
    if (isReturn) {
      this.#returning++
      this.#events.returning()
    }
    this.#store.settle(settlements).then(
      (finishedAt) => {
        this.#writing--
        if (isReturn) {
          this.#returning--
          this.#events.returned()
        }
        this.#tell(settlements, finishedAt)
        this.#events.written()
      },
      () => {
        // The store has said that it is broken, and the queue with it.
      },
    )
  }

  #tell(settlements: readonly Settlement[], finishedAt: number): void {
    const settled: SettledJob[] = []
    for (const settlement of settlements) {
      if (!this.#cancellations.isEmpty)
        this.#cancellations.answer(settlement.job.place.seq, settlement.outcome === 'cancelled')
      if (settlement.outcome !== 'released') settled.push(new SettledJob(settlement, finishedAt))
    }
    if (settled.length > 0) this.#events.settled(settled)
  }
}
