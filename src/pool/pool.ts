/**
 * The pool: hands waybills to threads and says what became of their jobs.
 *
 * A waybill goes to a thread that is idle, to a new one, or, if it may lie behind another, to a thread that works on a short one.
 * So the number of threads follows the number of waybills that are let out at once. Threads that have been idle for `idleTimeout`
 * are ended. Threads with the same memory limits are interchangeable and make a group; most applications need but one.
 */
import type { ResourceLimits } from 'node:worker_threads'
import { toError } from '../errors/error-data.js'
import { ThreadLostError, ThreadUncaughtError } from '../errors/thread-errors.js'
import type { Place } from '../job/job.js'
import { formatId } from '../job/job-id.js'
import type { SharedThread } from './group/shared-thread.js'
import { type GroupOptions, ThreadGroup } from './group/thread-group.js'
import type { Said } from './said.js'
import { type Death, deathFor } from './waybill/blame.js'
import { DispatchedWaybill, type WaybillLimits } from './waybill/dispatched-waybill.js'
import type { PoolJob } from './waybill/pack-waybill.js'
import type { Result, StopReason } from './waybill/result.js'

export interface PoolEvents<Job> {
  results(results: Result<Job>[]): void
  /** A job has started at this time, in ms since the epoch. */
  started(job: Job, at: number): void
  said(job: Job, said: Said): void
  /** More threads may be busy than before. */
  room(): void
  /** Something is wrong with the threads, not with a job. */
  trouble(error: Error): void
}

export interface PoolOptions extends WaybillLimits, GroupOptions {}

/** More than this at once are not let out. */
export const MOST_THREADS = 1024

/** So many threads that cannot be ended are replaced. Each further one takes the place of one that could run. */
const MOST_LOST = 16

/** So many suspects are remembered. One that is forgotten may be run once more uncharged. */
const MOST_SUSPECTS = 10_000

export class Pool<Job extends PoolJob> {
  readonly #options: PoolOptions
  readonly #events: PoolEvents<Job>
  readonly #groups = new Map<string, ThreadGroup<Job>>()
  /** Jobs that were alone when they ended their thread, which had run others: the next thread must have run none. */
  readonly #suspects = new Set<number>()
  #lastNumber = 0

  constructor(options: PoolOptions, events: PoolEvents<Job>) {
    this.#options = options
    this.#events = events
  }

  /** How many threads are running jobs. Those that cannot be ended count if there are many. */
  get busy(): number {
    let busy = 0
    let lost = 0
    for (const group of this.#groups.values()) {
      busy += group.busy
      lost += group.lost
    }
    return busy + Math.max(0, lost - MOST_LOST)
  }

  /** How many threads may be busy now: `most`, or as many as there are while the system refuses to start more. */
  capacity(most: number): number {
    let threads = 0
    let isRefused = false
    for (const group of this.#groups.values()) {
      threads += group.size
      isRefused ||= group.isRefusedThreads
    }
    return isRefused ? Math.min(most, threads) : most
  }

  /**
   * Sends jobs to a thread that has no others. `freed` is called when it is through with them. If they are short, others may lie
   * behind them.
   */
  dispatch(
    jobs: readonly Job[],
    limits: ResourceLimits | undefined,
    isShortWaybill: boolean,
    freed: () => void,
  ): void {
    const group = this.#group(limits)
    const [first] = jobs
    const isFresh = jobs.length === 1 && first !== undefined && this.#suspects.delete(first.claimed.place.seq)
    group.give(this.#waybill(jobs, freed), isShortWaybill, isFresh)
  }

  /** Sends a job to the thread that it shares with others. `freed` is called when it is through with this job. */
  dispatchShared(
    jobs: readonly Job[],
    limits: ResourceLimits | undefined,
    shared: SharedThread,
    freed: () => void,
  ): void {
    this.#group(limits).giveShared(this.#waybill(jobs, freed), shared)
  }

  /** Keeps so many threads with these limits alive, idle or not. */
  keepWarm(count: number, limits: ResourceLimits | undefined): void {
    this.#group(limits).keepWarm(count)
  }

  /** Whether a waybill may lie behind another now. */
  hasRoomBehind(limits: ResourceLimits | undefined): boolean {
    return this.#group(limits).roomy() !== undefined
  }

  /**
   * Sends jobs to a thread that works on others: it finds them when it is done with those. If that takes long they are taken back,
   * and `takenBack` is called in place of `freed`.
   */
  dispatchBehind(
    jobs: readonly Job[],
    limits: ResourceLimits | undefined,
    freed: () => void,
    takenBack: (() => void) | undefined,
  ): void {
    this.#group(limits)
      .roomy()
      ?.give(this.#waybill(jobs, freed, takenBack))
  }

  /** Stops a job that is out. `false`: it has finished already; `undefined`: it is not here. */
  stop({ seq }: Place, reason: StopReason): boolean | undefined {
    for (const waybill of this.#waybills()) {
      const job = waybill.jobs.find(({ claimed }) => claimed.place.seq === seq)
      const wasStopped = job && waybill.stop(job, reason)
      if (wasStopped !== undefined) return wasStopped
    }
    return undefined
  }

  /** Takes back what lies behind other jobs, if a job of it must not start. */
  recallBehind(mustNotStart: (job: Job) => boolean): void {
    for (const group of this.#groups.values()) group.recallBehind(mustNotStart)
  }

  /** Takes back every job that has not started. */
  recallAll(): void {
    for (const waybill of this.#waybills()) waybill.recall()
  }

  /** Stops every job that is out. */
  stopAll(reason: StopReason): void {
    for (const group of this.#groups.values()) group.stopAll(reason)
  }

  /** Ends all threads but those that cannot be ended. Jobs that are out get no result. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()))
  }

  #waybills(): DispatchedWaybill<Job>[] {
    return [...this.#groups.values()].flatMap(({ waybills }) => waybills)
  }

  #waybill(jobs: readonly Job[], freed: () => void, takenBack?: () => void): DispatchedWaybill<Job> {
    return new DispatchedWaybill<Job>(++this.#lastNumber, jobs, this.#options, {
      results: (results) => this.#events.results(results),
      started: (job, at) => this.#events.started(job, at),
      freed,
      takenBack,
    })
  }

  /** What is left of a thread's waybills when it has ended. */
  #judge(waybills: readonly DispatchedWaybill<Job>[], death: Death): void {
    const atWork = waybills.filter((waybill) => waybill.running().length > 0)
    for (const waybill of waybills) {
      const suspect = waybill.judge(deathFor(waybill, atWork, death))
      if (suspect && atWork.length === 1) this.#suspect(suspect.claimed.place)
      waybill.free()
    }
  }

  #suspect({ seq }: Place): void {
    // Those that were cancelled meanwhile are never asked for.
    const [oldest] = this.#suspects
    if (this.#suspects.size >= MOST_SUSPECTS && oldest !== undefined) this.#suspects.delete(oldest)
    this.#suspects.add(seq)
  }

  #group(limits: ResourceLimits | undefined): ThreadGroup<Job> {
    const name = limits === undefined ? '' : JSON.stringify(limits)
    const known = this.#groups.get(name)
    if (known) return known
    const group = new ThreadGroup<Job>(limits, MOST_THREADS + MOST_LOST, this.#options, {
      said: (job, said) => this.#events.said(job, said),
      ended: (waybills, death) => {
        this.#judge(waybills, death)
        if (waybills.length === 0 && death.isUncaught && !death.isKilled)
          this.#events.trouble(new ThreadUncaughtError(toError(death.error.cause ?? death.error)))
      },
      lost: (jobs) => this.#events.trouble(new ThreadLostError(jobs.map(nameOf))),
      room: () => this.#events.room(),
      isFull: () => this.busy >= this.capacity(MOST_THREADS),
      trouble: (error) => this.#events.trouble(error),
    })
    this.#groups.set(name, group)
    return group
  }
}

/** A job as messages name it. */
function nameOf({ task, claimed }: PoolJob): string {
  return `${task} ${formatId(claimed.place)}`
}
