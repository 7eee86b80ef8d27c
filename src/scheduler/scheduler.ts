/**
 * The scheduler: what runs next, and what happens to the outcome.
 *
 * A job's way: it is claimed into a waybill while threads are free, the dispatcher hands the waybill to the pool once the
 * claim is durable, `#conclude` turns each result into a settlement, and when that is durable the application is told.
 * Nothing is told that a crash could undo.
 */

import { LONGEST_TIMER_MS } from '../job/duration.js'
import type { StoredJob } from '../job/job.js'
import { Pool, type PoolOptions } from '../pool/pool.js'
import type { Result } from '../pool/waybill/result.js'
import type { Added, Addition, NewJob, Settlement, Store, StoreEvents } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import { Claiming } from './claiming.js'
import { Dispatcher } from './dispatcher.js'
import { Holds } from './lanes/holds.js'
import { Lanes } from './lanes/lanes.js'
import { Maintenance } from './maintenance.js'
import { type ReportEvents, type ReportLimits, Reports } from './reports.js'
import { Rest } from './rest.js'
import type { RunningJob } from './running-job.js'
import { Cancellations } from './settling/cancellations.js'
import { settlementOf } from './settling/outcomes.js'
import { Settling } from './settling/settling.js'
import type { WaybillPlan } from './waybill-plan.js'

export interface SchedulerEvents extends ReportEvents {
  /** Jobs have left the backlog. */
  claimed(): void
  settled(jobs: readonly StoredJob[]): void
  idle(): void
  /** Whether somebody waits for `drained`. */
  isDrainAwaited(): boolean
  /** Nothing waits or runs. */
  drained(): void
  /** Something is wrong with the deployment. The queue goes on. */
  trouble(error: Error): void
  broken(error: Error): void
}

export class Scheduler implements StoreEvents {
  readonly #tasks: Tasks
  readonly #store: Store
  readonly #events: SchedulerEvents
  readonly #pool: Pool<RunningJob>
  readonly #lanes: Lanes
  /** How jobs are cancelled, in whatever state they are. */
  readonly cancellations: Cancellations
  readonly #settling: Settling
  readonly #dispatcher: Dispatcher
  readonly #claiming: Claiming
  readonly #maintenance: Maintenance
  readonly #holds: Holds
  readonly #rest: Rest
  #maxWorkers: number
  readonly #minWorkers: number
  #isPaused = false
  #isClosing = false
  #isPumpDue = false
  #whenQuiet: (() => void) | undefined
  #broken: Error | undefined

  constructor(
    store: Store,
    tasks: Tasks,
    maxWorkers: number,
    options: PoolOptions & ReportLimits & { readonly minWorkers: number },
    events: SchedulerEvents,
  ) {
    this.#tasks = tasks
    this.#store = store
    this.#lanes = new Lanes(store, tasks)
    this.#maxWorkers = maxWorkers
    this.#minWorkers = options.minWorkers
    this.#events = events
    const reports = new Reports(store, options, events)
    this.#pool = new Pool(options, {
      results: (results) => this.#conclude(results),
      started: ({ claimed }, at) => reports.started(claimed, at),
      said: ({ claimed }, said) => reports.said(claimed, said),
      room: () => this.runnable(),
      trouble: (error) => events.trouble(error),
    })
    this.#holds = new Holds(options.loadTimeout, {
      runnable: () => this.runnable(),
      trouble: (error) => events.trouble(error),
    })
    this.cancellations = new Cancellations({
      store,
      stop: (place, reason) => this.#pool.stop(place, reason),
      launch: () => this.#dispatcher.launch(),
      cancelled: (jobs) => {
        events.settled(jobs)
        this.noteLeft()
      },
    })
    this.#settling = new Settling(store, this.cancellations, {
      returning: () => this.#dispatcher.launch(),
      returned: () => this.runnable(),
      settled: (jobs) => events.settled(jobs),
      written: () => this.#rest.note(),
    })
    this.#dispatcher = new Dispatcher({
      store,
      tasks,
      lanes: this.#lanes,
      pool: this.#pool,
      settling: this.#settling,
      cancellations: this.cancellations,
      maxWorkers: () => this.#maxWorkers,
      isHeld: () => this.#isHeld,
      freed: (plan) => this.#free(plan),
    })
    this.#claiming = new Claiming({
      store,
      lanes: this.#lanes,
      dispatcher: this.#dispatcher,
      capacity: () => this.#pool.capacity(this.#maxWorkers),
      mayClaim: () => !this.#isHeld && !this.#settling.isReturning,
      claimed: () => {
        this.#rest.end()
        events.claimed()
      },
      freed: (plan) => this.#free(plan),
    })
    this.#rest = new Rest({
      lanes: this.#lanes,
      isAtWork: () => this.#claiming.isAtWork || this.#settling.isWriting,
      idle: () => events.idle(),
      isDrainAwaited: () => events.isDrainAwaited(),
      drained: () => events.drained(),
    })
    this.#maintenance = new Maintenance(store)
    store.watch(this)
    this.#maintenance.start()
    this.runnable()
    // Once the caller of `open` has had the chance to listen.
    setImmediate(() => this.#keepWarm())
  }

  get maxWorkers(): number {
    return this.#maxWorkers
  }
  set maxWorkers(count: number) {
    const isLess = count < this.#maxWorkers
    this.#maxWorkers = count
    // Takes back waybills that wait behind others, so that the remaining threads can run them.
    if (isLess) this.#pool.recallBehind(() => true)
    this.#keepWarm()
    this.#dispatcher.launch()
    this.runnable()
  }

  /** How many threads are running jobs. */
  get numWorkers(): number {
    return this.#pool.busy
  }

  get isIdle(): boolean {
    return this.#rest.isIdle
  }

  /** Whether nothing waits or runs: delayed jobs are not looked at. */
  get isDrained(): boolean {
    return this.#rest.isDrained
  }

  /** Tasks without a worker that have jobs to run. */
  get withoutWorker(): string[] {
    return this.#lanes.withoutWorker
  }

  /** Pauses or resumes everything, or the jobs of one task. */
  setPaused(isPaused: boolean, task?: string): void {
    if (task === undefined) this.#isPaused = isPaused
    else this.#lanes.setPaused(task, isPaused)
    if (isPaused) this.#pool.recallBehind((job) => this.#isPaused || job.lane.isPaused)
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

  /** See `Store.add`. */
  add(jobs: readonly NewJob[], at: number): Promise<Added[]> {
    this.#rest.end()
    const added = this.#store.add(jobs, at)
    // Counted at once, unless keys must be looked up first.
    if (jobs.some(({ head }) => head?.key !== undefined)) this.#rest.adding(added)
    return added
  }

  /** See `Store.addOne`. */
  addOne(job: NewJob): Addition {
    this.#rest.end()
    return this.#store.addOne(job)
  }

  /** A waiting or delayed job has left: it may have been the last one, or the next one that is due. */
  noteLeft(): void {
    this.due()
    this.#rest.note()
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
    this.#holds.stop()
    this.#dispatcher.launch()
    this.#pool.recallAll()
    if (this.#claiming.isAtWork && !this.#broken) {
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

  #keepWarm(): void {
    if (this.#minWorkers === 0 || this.#isClosing) return
    this.#pool.keepWarm(Math.min(this.#minWorkers, this.#maxWorkers), this.#tasks.commonLimits)
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
    this.cancellations.giveUp(error)
    this.#events.broken(error)
  }

  /** Whether nothing may start. */
  get #isHeld(): boolean {
    return this.#isPaused || this.#isClosing || this.#broken !== undefined
  }

  #pump(): void {
    this.#claiming.claim()
    this.#rest.note()
  }

  #free(plan: WaybillPlan): void {
    this.#claiming.free(plan)
    if (!this.#claiming.isAtWork) this.#whenQuiet?.()
    this.#dispatcher.launch()
    // At once, so that the next claim is written together with the outcomes that have just come.
    this.#pump()
  }

  #conclude(results: readonly Result<RunningJob>[]): void {
    const now = Date.now()
    const settlements: Settlement[] = []
    for (const result of results) settlements.push(settlementOf(this.#holds.note(result), this.#tasks, now))
    this.#lanes.learn(results)
    this.#settling.settle(settlements)
  }
}
