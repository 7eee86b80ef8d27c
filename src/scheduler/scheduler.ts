/**
 * The scheduler: what runs next, and what happens to the outcome.
 *
 * A job's way: `#pump` claims it into a waybill while threads are free, the dispatcher hands the waybill to the pool once the
 * claim is durable, `#conclude` turns each result into a settlement, and when that is durable the application is told.
 * Nothing is told that a crash could undo.
 */

import { LONGEST_TIMER_MS } from '../job/duration.js'
import type { Place, StoredJob } from '../job/job.js'
import type { Result } from '../pool/dispatched-waybill.js'
import { Pool, type PoolOptions } from '../pool/pool.js'
import type { Added, Addition, NewJob, Settlement, Store, StoreEvents } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import { Cancellations } from './cancellations.js'
import { Dispatcher } from './dispatcher.js'
import type { Lane } from './lane.js'
import { Lanes } from './lanes.js'
import { Maintenance } from './maintenance.js'
import { settlementOf } from './outcomes.js'
import { type ReportEvents, type ReportLimits, Reports } from './reports.js'
import type { RunningJob } from './running-job.js'
import { Settling } from './settling.js'
import { WaybillPlan } from './waybill-plan.js'

export interface SchedulerEvents extends ReportEvents {
  /** Jobs have left the backlog. */
  claimed(): void
  settled(jobs: readonly StoredJob[]): void
  idle(): void
  /** Whether somebody waits for `drained`. */
  isDrainAwaited(): boolean
  /** Nothing waits or runs. */
  drained(): void
  broken(error: Error): void
}

export class Scheduler implements StoreEvents {
  readonly #tasks: Tasks
  readonly #store: Store
  readonly #events: SchedulerEvents
  readonly #pool: Pool<RunningJob>
  readonly #lanes: Lanes
  readonly #cancellations: Cancellations
  readonly #settling: Settling
  readonly #dispatcher: Dispatcher
  readonly #maintenance: Maintenance
  #maxWorkers: number
  /** Waybills that are claimed, or being so, and not free again. */
  #out = 0
  /** How many additions are not counted yet. */
  #adding = 0
  #isPaused = false
  #isClosing = false
  #isPumpDue = false
  #isIdle = true
  #whenQuiet: (() => void) | undefined
  #broken: Error | undefined

  constructor(
    store: Store,
    tasks: Tasks,
    maxWorkers: number,
    options: PoolOptions & ReportLimits,
    events: SchedulerEvents,
  ) {
    this.#tasks = tasks
    this.#store = store
    this.#lanes = new Lanes(store, tasks)
    this.#maxWorkers = maxWorkers
    this.#events = events
    const reports = new Reports(store, options, events)
    this.#pool = new Pool(options, {
      results: (results) => this.#conclude(results),
      started: ({ claimed }, at) => reports.started(claimed, at),
      said: ({ claimed }, said) => reports.said(claimed, said),
    })
    this.#cancellations = new Cancellations({
      store,
      stop: (place, reason) => this.#pool.stop(place, reason),
      launch: () => this.#dispatcher.launch(),
      cancelled: (place) => this.#reportStored(place),
    })
    this.#settling = new Settling(store, this.#cancellations, {
      returning: () => this.#dispatcher.launch(),
      returned: () => this.runnable(),
      settled: (jobs) => events.settled(jobs),
      written: () => this.#noteIdle(),
    })
    this.#dispatcher = new Dispatcher({
      store,
      tasks,
      lanes: this.#lanes,
      pool: this.#pool,
      settling: this.#settling,
      cancellations: this.#cancellations,
      maxWorkers: () => this.#maxWorkers,
      isHeld: () => this.#isHeld,
      freed: (plan) => this.#free(plan),
    })
    this.#maintenance = new Maintenance(store)
    store.watch(this)
    this.#isIdle = this.#lanes.areEmpty
    this.#maintenance.start()
    this.runnable()
  }

  get maxWorkers(): number {
    return this.#maxWorkers
  }
  set maxWorkers(count: number) {
    this.#maxWorkers = count
    this.#dispatcher.launch()
    this.runnable()
  }

  /** How many threads are running jobs. */
  get numWorkers(): number {
    return this.#pool.busy
  }

  get isIdle(): boolean {
    return this.#adding === 0 && this.#isAtRest && this.#lanes.areEmpty
  }

  /** Whether nothing waits or runs: delayed jobs are not looked at. */
  get isDrained(): boolean {
    return this.#adding === 0 && this.#isAtRest && this.#lanes.areDrained
  }

  /** Tasks without a worker that have jobs to run. */
  get withoutWorker(): string[] {
    return this.#lanes.withoutWorker
  }

  /** Pauses or resumes everything, or the jobs of one task. */
  setPaused(isPaused: boolean, task?: string): void {
    if (task === undefined) this.#isPaused = isPaused
    else this.#lanes.setPaused(task, isPaused)
    this.#dispatcher.launch()
    this.runnable()
  }

  isPaused(task?: string): boolean {
    return this.#isPaused || (task !== undefined && this.#lanes.isPaused(task))
  }

  /** Lets the process end before delayed jobs are due. */
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
  cancel(place: Place): Promise<boolean> {
    return this.#cancellations.cancel(place)
  }

  /** A waiting or delayed job has left: it may have been the last one, or the next one that is due. */
  noteLeft(): void {
    this.due()
    this.#noteIdle()
  }

  /** Notes on disk that the queue closes: a process that is killed from now on charges none of its jobs. */
  async markClosing(): Promise<void> {
    // If it fails, the store is broken, and says so itself.
    await this.#store.markClosing().catch(() => {})
  }

  /** Stops claiming, lets what runs finish for up to `timeoutMs`, returns the rest to the backlog. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    this.#maintenance.stop()
    this.#dispatcher.launch()
    this.#pool.recallAll()
    if (this.#out > 0 && !this.#broken) {
      const quiet = new Promise<void>((resolve) => {
        this.#whenQuiet = resolve
      })
      const timer =
        timeoutMs <= LONGEST_TIMER_MS ? setTimeout(() => this.#pool.stopAll('closing'), timeoutMs) : undefined
      await this.markClosing()
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
    this.#cancellations.giveUp(error)
    this.#events.broken(error)
  }

  /** Whether nothing may start. */
  get #isHeld(): boolean {
    return this.#isPaused || this.#isClosing || this.#broken !== undefined
  }

  /** Whether one more waybill may be claimed: for a free thread, or ahead of one that will soon be free. */
  get #mayClaim(): boolean {
    if (this.#isHeld || this.#settling.isReturning) return false
    return this.#out < this.#maxWorkers + this.#dispatcher.roomAhead
  }

  #pump(): void {
    while (this.#mayClaim) {
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
        () => this.#dispatcher.add({ claim, plan }),
        () => this.#free(plan),
      )
    }
    this.#noteIdle()
  }

  #free({ lanes }: WaybillPlan): void {
    this.#out--
    for (const lane of lanes) lane.out--
    if (this.#out === 0) this.#whenQuiet?.()
    this.#dispatcher.launch()
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
    this.#settling.settle(settlements)
  }

  async #reportStored(place: Place): Promise<void> {
    // Where cancelled jobs are not kept there is nothing more to tell of it.
    const gone: StoredJob = { place, state: 'cancelled', enqueuedAt: 0, head: {}, body: new Uint8Array() }
    this.#events.settled([(await this.#store.get(place)) ?? gone])
    this.noteLeft()
  }

  readonly #noteAdded = (): void => {
    this.#adding--
    this.#noteIdle()
  }

  #noteIdle(): void {
    if (this.#adding > 0 || !this.#isAtRest) return
    if (this.#events.isDrainAwaited() && this.#lanes.areDrained) this.#events.drained()
    if (this.#isIdle || !this.#lanes.areEmpty) return
    this.#isIdle = true
    this.#events.idle()
  }

  /** Whether nothing is with a thread, or on its way there or back. */
  get #isAtRest(): boolean {
    return this.#out === 0 && !this.#settling.isWriting
  }
}
