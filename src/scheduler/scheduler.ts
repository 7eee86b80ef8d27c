/**
 * The scheduler: what runs next, and what happens to the outcome.
 *
 * A job's way: `#pump` claims it into a waybill when a thread is free, `#dispatch` hands the waybill to the pool once the
 * claim is durable, `#conclude` turns each result into a settlement, and when that is durable the application is told.
 * Nothing is told that a crash could undo.
 *
 * ```
 *  claimed ──written──▶ ready ──a thread is free──▶ with the pool ──▶ free
 *                         └──held, or no thread for it──▶ given back
 * ```
 *
 * While threads run short jobs, the next waybill for each is claimed ahead, so that no thread waits for a claim to be written.
 */

import type { Place, StoredJob } from '../job/job.js'
import type { Result } from '../pool/dispatched-waybill.js'
import { Pool, type PoolOptions } from '../pool/pool.js'
import type {
  Added,
  Addition,
  Claim,
  Claimed,
  NewJob,
  Settlement,
  Store,
  StoreEvents,
} from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import { Cancellations } from './cancellations.js'
import type { Lane } from './lane.js'
import { Lanes } from './lanes.js'
import { Maintenance } from './maintenance.js'
import { cancelled, SettledJob, settlementOf } from './outcomes.js'
import { prepare, type RunningJob } from './running-job.js'
import { WaybillPlan } from './waybill-plan.js'

export interface SchedulerEvents {
  /** Jobs have left the backlog. */
  claimed(): void
  started(job: Claimed): void
  settled(jobs: readonly StoredJob[]): void
  progress(job: Claimed, value: Uint8Array): void
  log(job: Claimed, text: string): void
  idle(): void
  broken(error: Error): void
}

/** A claim, and what it counts for. */
interface Waybill {
  readonly claim: Claim
  readonly plan: WaybillPlan
}

export class Scheduler implements StoreEvents {
  readonly #tasks: Tasks
  readonly #store: Store
  readonly #events: SchedulerEvents
  readonly #pool: Pool<RunningJob>
  readonly #lanes: Lanes
  readonly #cancelling = new Cancellations()
  readonly #maintenance: Maintenance
  #maxWorkers: number
  /** Waybills that are claimed, or being so, and not free again. */
  #out = 0
  /** Those that wait for a thread, in the order of their claims. */
  #ready: Waybill[] = []
  /** How many with the pool are short, so that another may be claimed ahead for their threads. */
  #short = 0
  /** How many additions are not counted yet. */
  #adding = 0
  /** Settlements that are being written. */
  #settling = 0
  /** Those among them that return jobs to their old places: until they are back, nothing may be claimed from behind them. */
  #returning = 0
  #isPaused = false
  #isClosing = false
  #isPumpDue = false
  #isIdle = true
  #whenQuiet: (() => void) | undefined
  #broken: Error | undefined

  constructor(store: Store, tasks: Tasks, maxWorkers: number, pool: PoolOptions, events: SchedulerEvents) {
    this.#tasks = tasks
    this.#store = store
    this.#lanes = new Lanes(store, tasks)
    this.#maxWorkers = maxWorkers
    this.#events = events
    this.#pool = new Pool(pool, {
      results: (results) => this.#conclude(results),
      started: ({ claimed }) => events.started(claimed),
      progress: ({ claimed }, value) => events.progress(claimed, value),
      log: ({ claimed }, text) => events.log(claimed, text),
    })
    this.#maintenance = new Maintenance(store)
    store.watch(this)
    this.#isIdle = this.#hasNothingToDo()
    this.#maintenance.start()
    this.runnable()
  }

  get maxWorkers(): number {
    return this.#maxWorkers
  }
  set maxWorkers(count: number) {
    this.#maxWorkers = count
    this.#launch()
    this.runnable()
  }

  /** How many threads are running jobs. */
  get numWorkers(): number {
    return this.#pool.busy
  }

  get isIdle(): boolean {
    return this.#adding === 0 && this.#hasNothingToDo()
  }

  /** Pauses or resumes everything, or the jobs of one task. */
  setPaused(isPaused: boolean, lane?: number): void {
    if (lane === undefined) this.#isPaused = isPaused
    else {
      const line = this.#lanes.of(lane)
      if (line) line.isPaused = isPaused
    }
    this.#launch()
    this.runnable()
  }

  isPaused(lane?: number): boolean {
    return this.#isPaused || (lane !== undefined && (this.#lanes.of(lane)?.isPaused ?? false))
  }

  unref(): void {
    this.#maintenance.unref()
  }

  ref(): void {
    this.#maintenance.ref()
  }

  add(jobs: readonly NewJob[]): Promise<Added[]> {
    this.#isIdle = false
    for (const { lane } of jobs) this.#lanes.of(lane)
    const added = this.#store.add(jobs)
    // Counted at once, unless keys must be looked up first.
    if (jobs.some(({ head }) => head?.key !== undefined)) {
      this.#adding++
      added.then(this.#noteAdded, this.#noteAdded)
    }
    return added
  }

  /** See `Store.addOne`. */
  addOne(job: NewJob): Addition {
    this.#isIdle = false
    this.#lanes.of(job.lane)
    return this.#store.addOne(job)
  }

  /** Cancels a job that has not finished. `false`: it had, or there is none. */
  async cancel(place: Place): Promise<boolean> {
    while (!this.#broken) {
      if (this.#store.isInTransit(place)) {
        if (this.#pool.stop(place, 'cancelled') === false) return false
        // Stopped, or waiting for a thread, or its claim or its outcome is being written.
        const wasCancelled = this.#cancelling.ask(place.seq)
        this.#launch()
        if (await wasCancelled) return true
        // It was settled otherwise: it has finished, or there may be another attempt to cancel.
        continue
      }
      if (await this.#store.cancel(place)) {
        await this.#reportStored(place)
        return true
      }
      // It may have been claimed while the store looked for it.
      if (!this.#store.isInTransit(place)) return false
    }
    throw this.#broken
  }

  /** A waiting or delayed job was deleted: it may have been the last one. */
  noteRemoved(): void {
    this.due()
    this.#noteIdle()
  }

  /** Stops claiming, lets what runs finish for up to `timeoutMs`, returns the rest to the backlog. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    this.#maintenance.stop()
    this.#launch()
    this.#pool.recallAll()
    if (this.#out > 0 && !this.#broken) {
      const quiet = new Promise<void>((resolve) => {
        this.#whenQuiet = resolve
      })
      const timer =
        timeoutMs < 2 ** 31 ? setTimeout(() => this.#pool.stopAll('closing'), timeoutMs) : undefined
      await quiet
      clearTimeout(timer)
    }
    await this.#pool.close()
    await this.#store.close()
  }

  /** Jobs may have become claimable. Many say so at once: one look is enough. */
  runnable(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  due(): void {
    this.#maintenance.due()
  }

  broken(error: Error): void {
    if (this.#broken) return
    this.#broken = error
    this.#maintenance.stop()
    this.#whenQuiet?.()
    this.#cancelling.giveUp()
    this.#events.broken(error)
  }

  get #isHeld(): boolean {
    return this.#isPaused || this.#isClosing || this.#broken !== undefined
  }

  #pump(): void {
    while (!this.#isHeld && this.#returning === 0 && this.#out < this.#maxWorkers + this.#roomAhead) {
      const isAhead = this.#out >= this.#maxWorkers
      const { waiting } = this.#store.counts()
      const share = Math.ceil(waiting / (isAhead ? this.#maxWorkers : this.#maxWorkers - this.#out))
      const plan = new WaybillPlan(share, (lane) => this.#lanes.of(lane), isAhead)
      const claim = this.#store.claim((candidate) => plan.pick(candidate), isAhead)
      if (!claim) break
      this.#isIdle = false
      this.#out++
      for (const lane of plan.lanes) lane.out++
      this.#events.claimed()
      claim.written.then(
        () => {
          this.#ready.push({ claim, plan })
          this.#launch()
        },
        () => this.#free(plan),
      )
    }
    this.#noteIdle()
  }

  /** How many waybills may be claimed ahead. */
  get #roomAhead(): number {
    return Math.min(this.#short, this.#maxWorkers)
  }

  /** Hands out what is ready as far as there are threads for it, and gives back what must not, or cannot soon, be handed out. */
  #launch(): void {
    // What was claimed ahead must not overtake what is on its way back.
    const returned =
      this.#isHeld || this.#returning > 0
        ? this.#ready.splice(0)
        : this.#ready.filter((each) => this.#mustReturn(each))
    if (returned.length > 0) this.#ready = this.#ready.filter((each) => !returned.includes(each))
    while (this.#ready.length > 0 && this.#pool.busy < this.#maxWorkers)
      this.#dispatch(this.#ready.shift() as Waybill)
    while (this.#ready.length > this.#roomAhead) returned.push(this.#ready.pop() as Waybill)
    for (const waybill of returned) this.#giveBack(waybill)
    this.#store.isHurried = this.#maxWorkers === 0 || this.#pool.busy < this.#maxWorkers
  }

  #mustReturn({ claim, plan }: Waybill): boolean {
    for (const lane of plan.lanes) if (lane.isPaused) return true
    return !this.#cancelling.isEmpty && claim.jobs.some(({ place }) => this.#cancelling.has(place.seq))
  }

  /** As if it had not been claimed. */
  #giveBack({ claim, plan }: Waybill): void {
    this.#settle(
      claim.jobs.map((job) =>
        this.#cancelling.has(job.place.seq) ? cancelled(job) : { outcome: 'released', job },
      ),
    )
    this.#free(plan)
  }

  #dispatch({ claim, plan }: Waybill): void {
    const settlements: Settlement[] = []
    const jobs: RunningJob[] = []
    for (const claimed of claim.jobs) {
      const lane = this.#lanes.of(claimed.place.lane)
      const job: RunningJob | Settlement = lane
        ? prepare(claimed, lane, this.#tasks)
        : { outcome: 'released', job: claimed }
      if ('outcome' in job) settlements.push(job)
      else jobs.push(job)
    }
    if (settlements.length > 0) this.#settle(settlements)
    if (jobs.length === 0) return this.#free(plan)
    if (plan.isShort) this.#short++
    this.#pool.dispatch(jobs, jobs[0]?.lane.config.resourceLimits, () => {
      if (plan.isShort) this.#short--
      this.#free(plan)
    })
  }

  #free({ lanes }: WaybillPlan): void {
    this.#out--
    for (const lane of lanes) lane.out--
    if (this.#out === 0) this.#whenQuiet?.()
    this.#launch()
    // At once, so that the next claim is written together with the outcomes that have just come.
    this.#pump()
  }

  #conclude(results: readonly Result<RunningJob>[]): void {
    const now = Date.now()
    const settlements: Settlement[] = []
    const ran = new Map<Lane, { ms: number; jobs: number }>()
    for (const result of results) {
      const { lane } = result.job
      settlements.push(settlementOf(result, this.#tasks, now))
      if ('ranMs' in result) {
        let sum = ran.get(lane)
        if (!sum) {
          sum = { ms: 0, jobs: 0 }
          ran.set(lane, sum)
        }
        sum.ms += result.ranMs
        sum.jobs++
      }
    }
    for (const [lane, { ms, jobs }] of ran) lane.learn(ms / jobs)
    this.#settle(settlements)
  }

  #settle(settlements: readonly Settlement[]): void {
    const returns = settlements.some(({ outcome }) => outcome === 'released')
    this.#settling++
    if (returns) {
      this.#returning++
      this.#launch()
    }
    this.#store.settle(settlements).then(
      () => {
        this.#settling--
        if (returns) this.#returning--
        if (returns) this.runnable()
        const now = Date.now()
        const settled: SettledJob[] = []
        for (const settlement of settlements) {
          if (!this.#cancelling.isEmpty)
            this.#cancelling.answer(settlement.job.place.seq, settlement.outcome === 'cancelled')
          if (settlement.outcome !== 'released') settled.push(new SettledJob(settlement, now))
        }
        if (settled.length > 0) this.#events.settled(settled)
        this.#noteIdle()
      },
      () => {
        // The store has said that it is broken, and the queue with it.
      },
    )
  }

  async #reportStored(place: Place): Promise<void> {
    // Where cancelled jobs are not kept there is nothing more to tell of it.
    const gone: StoredJob = { place, state: 'cancelled', enqueuedAt: 0, head: {}, body: new Uint8Array() }
    this.#events.settled([(await this.#store.get(place)) ?? gone])
    this.#noteIdle()
  }

  readonly #noteAdded = (): void => {
    this.#adding--
    this.#noteIdle()
  }

  #noteIdle(): void {
    if (this.#isIdle || this.#adding > 0 || !this.#hasNothingToDo()) return
    this.#isIdle = true
    this.#events.idle()
  }

  #hasNothingToDo(): boolean {
    return this.#out === 0 && this.#settling === 0 && this.#lanes.areEmpty
  }
}
