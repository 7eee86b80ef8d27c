/**
 * Hands claimed waybills to threads, in the order of their claims.
 *
 * ```
 *  claimed ──written──▶ ready ──a thread is free──────────▶ with the pool ──▶ free
 *                        │ │ └──one works on a short one──▶ lies behind that ──▶ with the pool
 *                        │ └◀──that turned out long──────────────┘
 *                        └──held, cancelled, or no thread for it──▶ given back
 * ```
 *
 * A waybill arrives here once its claim is durable. It waits until one of at most `maxWorkers` threads is free. It is given back
 * to the backlog, as if it had not been claimed, when its jobs must not start (the queue or a task is paused, the queue closes, a
 * job is cancelled) or when it would wait for long.
 *
 * A waybill whose job shares a thread with others goes there at once.
 *
 * While a thread runs a short waybill, one more may be claimed ahead for it, so that it does not wait for a claim to be written.
 *
 * Waybills are handed out in the asynchronous context in which the queue was opened, whoever has called. The worker factory is called
 * in it. Threads are started in it, so what they send is received in it too.
 */
import { AsyncResource } from 'node:async_hooks'
import type { Pool } from '../pool/pool.js'
import type { Claim, Settlement, Store } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import type { Lanes } from './lanes/lanes.js'
import { prepare, type RunningJob } from './running-job.js'
import type { Cancellations } from './settling/cancellations.js'
import { cancelled } from './settling/outcomes.js'
import type { Settling } from './settling/settling.js'
import type { WaybillPlan } from './waybill-plan.js'

/** A claim, and what it counts for. */
export interface Waybill {
  readonly claim: Claim
  readonly plan: WaybillPlan
}

interface DispatcherParts {
  readonly store: Store
  readonly tasks: Tasks
  readonly lanes: Lanes
  readonly pool: Pool<RunningJob>
  readonly settling: Settling
  readonly cancellations: Cancellations
  readonly maxWorkers: () => number
  /** Whether nothing may start. */
  readonly isHeld: () => boolean
  /** A waybill counts no more. */
  readonly freed: (plan: WaybillPlan) => void
}

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #context = new AsyncResource('millrace.dispatcher')
  /** Waybills that wait for a thread. */
  #ready: Waybill[] = []
  /** How many with the pool are short, so that another may be claimed ahead for their threads. */
  #short = 0

  constructor(parts: DispatcherParts) {
    this.#parts = parts
  }

  /** How many waybills may be claimed ahead. */
  get roomAhead(): number {
    return Math.min(this.#short, this.#parts.maxWorkers())
  }

  /** Takes a waybill whose claim is durable. */
  add(waybill: Waybill): void {
    this.#ready.push(waybill)
    this.launch()
  }

  /** Hands out what is ready as far as threads are free, and gives back what must not, or cannot soon, be handed out. */
  launch(): void {
    this.#context.runInAsyncScope(this.#launch, this)
  }

  #launch(): void {
    const { pool, settling, store, isHeld } = this.#parts
    const most = pool.capacity(this.#parts.maxWorkers())
    // What was claimed ahead must not overtake what is on its way back.
    const returned =
      isHeld() || settling.isReturning
        ? this.#ready.splice(0)
        : this.#ready.filter((each) => this.#mustReturn(each))
    if (returned.length > 0) this.#ready = this.#ready.filter((each) => !returned.includes(each))
    while (this.#ready.length > 0 && pool.busy < most) this.#dispatch(this.#ready.shift() as Waybill, false)
    if (this.#ready.length > 0) this.#joinShared()
    while (this.#mayLieBehind(this.#ready[0])) this.#dispatch(this.#ready.shift() as Waybill, true)
    while (this.#ready.length > this.roomAhead) returned.push(this.#ready.pop() as Waybill)
    for (const waybill of returned) this.#giveBack(waybill)
    store.isHurried = most === 0 || pool.busy < most
  }

  /** Those whose thread others share already need no free one. */
  #joinShared(): void {
    const joining = this.#ready.filter(({ plan }) => plan.sharedThread?.isAtWork === true)
    if (joining.length === 0) return
    this.#ready = this.#ready.filter((each) => !joining.includes(each))
    for (const waybill of joining) this.#dispatch(waybill, false)
  }

  /** What was claimed ahead goes to a thread that works on a short waybill, which then finds it at once. */
  #mayLieBehind(waybill: Waybill | undefined): boolean {
    return (
      waybill?.plan.isAhead === true &&
      !this.#parts.isHeld() &&
      this.#parts.pool.hasRoomBehind(waybill.plan.resourceLimits)
    )
  }

  #mustReturn({ claim, plan }: Waybill): boolean {
    const { cancellations } = this.#parts
    for (const lane of plan.lanes) if (lane.isPaused) return true
    return !cancellations.isEmpty && claim.jobs.some(({ place }) => cancellations.has(place.seq))
  }

  /** As if it had not been claimed. */
  #giveBack({ claim, plan }: Waybill): void {
    const { settling, cancellations, freed } = this.#parts
    settling.settle(
      claim.jobs.map((job) =>
        cancellations.has(job.place.seq) ? cancelled(job) : { outcome: 'released', job },
      ),
    )
    freed(plan)
  }

  #dispatch(waybill: Waybill, isBehind: boolean): void {
    const { claim, plan } = waybill
    const { lanes, tasks, pool, settling, freed } = this.#parts
    const settlements: Settlement[] = []
    const jobs: RunningJob[] = []
    for (const claimed of claim.jobs) {
      const lane = lanes.of(claimed.place.lane)
      const job: RunningJob | Settlement = lane
        ? prepare(claimed, lane, tasks)
        : { outcome: 'released', job: claimed }
      if ('outcome' in job) settlements.push(job)
      else jobs.push(job)
    }
    if (settlements.length > 0) settling.settle(settlements)
    if (jobs.length === 0) return freed(plan)
    if (plan.isShort) this.#short++
    const freeWaybill = () => {
      if (plan.isShort) this.#short--
      freed(plan)
    }
    if (plan.sharedThread)
      return pool.dispatchShared(jobs, plan.resourceLimits, plan.sharedThread, freeWaybill)
    if (!isBehind) return pool.dispatch(jobs, plan.resourceLimits, plan.isShort, freeWaybill)
    const takeBack = () => {
      if (plan.isShort) this.#short--
      this.#ready.unshift(waybill)
      this.launch()
    }
    // Where some of them are settled already, the others return one by one.
    const isWhole = settlements.length === 0
    pool.dispatchBehind(jobs, plan.resourceLimits, freeWaybill, isWhole ? takeBack : undefined)
  }
}
