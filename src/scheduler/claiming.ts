/**
 * Claims waybills from the store, as long as there are threads for them.
 *
 * ```
 *  waiting ──claim──▶ being written ──▶ with the dispatcher, then with the pool ──▶ free
 *  \_______________/ \__________________________________________________________/
 *                       counts as one thread, or, of those that share one, as a part of it
 * ```
 *
 * So no more is claimed than can soon be started, and jobs wait in the store, where they can be cancelled and overtaken.
 */
import type { SharedThread } from '../pool/group/shared-thread.js'
import type { Store } from '../store/store.js'
import type { Dispatcher } from './dispatcher.js'
import type { Lane } from './lanes/lane.js'
import type { Lanes } from './lanes/lanes.js'
import { type PlanFor, WaybillPlan } from './waybill-plan.js'

interface ClaimingParts {
  readonly store: Store
  readonly lanes: Lanes
  readonly dispatcher: Dispatcher
  /** How many threads may be busy now. */
  readonly capacity: () => number
  readonly mayClaim: () => boolean
  /** Jobs have left the backlog. */
  readonly claimed: () => void
  /** The claim could not be written. */
  readonly freed: (plan: WaybillPlan) => void
}

export class Claiming {
  readonly #parts: ClaimingParts
  /** The threads that waybills are for that are being written, wait for a thread, or are with the pool. */
  #outstanding = 0
  /** The lanes whose jobs share threads now. */
  readonly #sharing = new Set<Lane>()

  constructor(parts: ClaimingParts) {
    this.#parts = parts
  }

  /** Whether any waybill is out. */
  get isAtWork(): boolean {
    return this.#outstanding > 0
  }

  /** Claims whatever may be claimed now. */
  claim(): void {
    while (this.#parts.mayClaim() && (this.#claimForThread() || this.#claimForShared()));
  }

  /** A waybill counts no more. */
  free({ lanes, sharedThread }: WaybillPlan): void {
    for (const lane of lanes) {
      lane.out--
      if (sharedThread) this.#leave(lane, sharedThread)
    }
    if (!sharedThread) this.#outstanding--
  }

  /** For a free thread, or ahead of one that will soon be free. */
  #claimForThread(): boolean {
    const { dispatcher, store } = this.#parts
    const capacity = this.#parts.capacity()
    const isAhead = this.#outstanding >= capacity
    if (this.#outstanding >= capacity + dispatcher.roomAhead) return false
    const { waiting } = store.counts()
    const share = Math.ceil(waiting / (isAhead ? capacity : capacity - this.#outstanding))
    return this.#claim(share, isAhead ? 'ahead' : 'free')
  }

  /** For a thread that jobs share already, while no other is free. */
  #claimForShared(): boolean {
    if (this.#sharing.size === 0) return false
    const { dispatcher, capacity } = this.#parts
    const threads = capacity()
    // Where there are more than there may be, those that are shared become free too.
    if (this.#outstanding < threads || this.#outstanding > threads + dispatcher.roomAhead) return false
    return [...this.#sharing].some((lane) => this.#canFill(lane)) && this.#claim(1, 'shared')
  }

  /** Whether a thread of this lane has room, and a job waits for it. */
  #canFill(lane: Lane): boolean {
    const { store } = this.#parts
    return (
      !lane.isPaused &&
      lane.isFree &&
      lane.threadWithRoom !== undefined &&
      store.counts(store.findLane(lane.config.name)).waiting > 0
    )
  }

  #claim(most: number, planFor: PlanFor): boolean {
    const { store, lanes, dispatcher, claimed, freed } = this.#parts
    const plan = new WaybillPlan(most, (lane) => lanes.of(lane), planFor)
    const claim = store.claim(
      (candidate) => plan.pick(candidate),
      () => plan.isInDoubt,
    )
    if (!claim) return false
    for (const lane of plan.lanes) {
      lane.out++
      if (plan.sharedThread) this.#join(lane, plan.sharedThread)
    }
    if (!plan.sharedThread) this.#outstanding++
    claimed()
    claim.written.then(
      () => dispatcher.add({ claim, plan }),
      () => freed(plan),
    )
    return true
  }

  #join(lane: Lane, sharedThread: SharedThread): void {
    if (sharedThread.out === 0) this.#outstanding++
    sharedThread.out++
    this.#sharing.add(lane)
  }

  #leave(lane: Lane, sharedThread: SharedThread): void {
    sharedThread.out--
    if (sharedThread.out > 0) return
    this.#outstanding--
    lane.sharedThreads.delete(sharedThread)
    if (lane.sharedThreads.size === 0) this.#sharing.delete(lane)
  }
}
