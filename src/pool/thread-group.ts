/**
 * The threads that share memory limits: who is idle, who may take one more waybill, and what happens when no thread starts.
 *
 * ```
 *  idle ──give──▶ busy ──done──▶ idle ──idleTimeout──▶ killed
 *                  └──the thread ends, or is lost──▶ gone
 * ```
 *
 * A thread that does not start is no job's fault. The jobs go back, and no other start is tried for a while, which doubles each
 * time. Meanwhile jobs run on the threads that there are.
 */
import type { ResourceLimits } from 'node:worker_threads'
import type { Limit } from '../codec/cost.js'
import { ThreadStartError } from '../errors/thread-errors.js'
import type { Said } from './said.js'
import type { SharedThread } from './shared-thread.js'
import { Shift } from './shift.js'
import { ThreadStarter } from './thread-starter.js'
import type { Death } from './waybill/blame.js'
import type { DispatchedWaybill } from './waybill/dispatched-waybill.js'
import type { PoolJob } from './waybill/pack-waybill.js'
import type { StopReason } from './waybill/result.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** How long after a thread was given up that is told. */
const LOST_TOLD_AFTER_MS = 1000

export interface GroupOptions {
  /** How long an idle thread is kept, in ms. */
  readonly idleTimeout: number
  readonly maxOutputBytes: number
}

export interface GroupEvents<Job extends PoolJob> {
  said(job: Job, said: Said): void
  /** The thread has ended, or is lost, with these waybills. */
  ended(waybills: readonly DispatchedWaybill<Job>[], death: Death): void
  /** A thread that ran these jobs does not end. */
  lost(jobs: readonly Job[]): void
  /** More threads may be started, or busy, than before. */
  room(): void
  /** Whether as many threads are busy, in all groups, as may be. */
  isFull(): boolean
  trouble(error: Error): void
}

export class ThreadGroup<Job extends PoolJob> {
  readonly #starter: ThreadStarter
  readonly #idleTimeoutMs: number
  readonly #outputLimit: Limit
  readonly #events: GroupEvents<Job>
  readonly #shifts = new Set<Shift<Job>>()
  /** The one that was busy last is the last. */
  readonly #idle: Shift<Job>[] = []
  /** Those that may take a waybill behind the short one that they work on, the first to end it first. */
  readonly #roomy = new Set<Shift<Job>>()
  readonly #shared = new Map<SharedThread, Shift<Job>>()
  /** Those that do not end: what is called when it is time to say so. */
  readonly #lost = new Map<Shift<Job>, { readonly tell: () => void; readonly timer: NodeJS.Timeout }>()
  #sweepTimer: NodeJS.Timeout | undefined
  #pauseMs = 0
  #pausedUntilMs = 0
  #pauseTimer: NodeJS.Timeout | undefined
  #refusals = 0
  #lastTrouble = ''

  constructor(
    limits: ResourceLimits | undefined,
    most: number,
    options: GroupOptions,
    events: GroupEvents<Job>,
  ) {
    this.#starter = new ThreadStarter(limits, most)
    this.#idleTimeoutMs = options.idleTimeout
    this.#outputLimit = { bytes: options.maxOutputBytes, option: 'maxOutputBytes' }
    this.#events = events
  }

  /** How many threads there are that can be given work. */
  get size(): number {
    return this.#shifts.size
  }

  get busy(): number {
    return this.#shifts.size - this.#idle.length
  }

  get lost(): number {
    return this.#lost.size
  }

  /** Whether there may be no more threads than there are: starts are refused. One more is tried when the pause is over. */
  get isRefusedThreads(): boolean {
    return this.#pauseMs > 0 && this.#shifts.size > 0 && Date.now() < this.#pausedUntilMs
  }

  get waybills(): DispatchedWaybill<Job>[] {
    return [...this.#shifts].flatMap(({ waybills }) => [...waybills])
  }

  /** Gives a waybill to a thread that has none; `isFresh`: to one that has run no job. */
  give(waybill: DispatchedWaybill<Job>, isShortWaybill: boolean, isFresh: boolean): void {
    const shift = isFresh ? this.#startInPlace() : (this.#idle.pop() ?? this.#start())
    if (!shift) return this.#returnLater(waybill)
    shift.give(waybill)
    if (isShortWaybill) this.#roomy.add(shift)
  }

  /** Gives a waybill to the thread that others share, or to one that has none. */
  giveShared(waybill: DispatchedWaybill<Job>, shared: SharedThread): void {
    const known = this.#shared.get(shared)
    const shift = known?.isUsable ? known : (this.#idle.pop() ?? this.#start())
    if (!shift) return this.#returnLater(waybill)
    shift.shared = shared
    shared.thread = shift
    this.#shared.set(shared, shift)
    shift.give(waybill)
  }

  /** A thread that may take one waybill more. */
  roomy(): Shift<Job> | undefined {
    for (const shift of this.#roomy) {
      if (shift.hasRoom) return shift
      if (shift.waybills.length !== 1) this.#roomy.delete(shift)
    }
    return undefined
  }

  /** Takes back what lies behind waybills that are worked on, if a job of it must not start. */
  recallBehind(mustNotStart: (job: Job) => boolean): void {
    for (const shift of this.#shifts) shift.recallNext(mustNotStart)
  }

  /** Stops every job. */
  stopAll(reason: StopReason): void {
    for (const shift of [...this.#shifts]) shift.stopAll(reason)
  }

  /** Ends all threads. Gives those that cannot be ended within a quarter of a second. */
  async close(): Promise<void> {
    clearTimeout(this.#sweepTimer)
    clearTimeout(this.#pauseTimer)
    const shifts = [...this.#shifts]
    for (const shift of shifts) shift.kill()
    await Promise.all(shifts.map(({ gone }) => gone))
    for (const { tell, timer } of this.#lost.values()) {
      clearTimeout(timer)
      tell()
    }
    // Piscina waits for every thread, the lost ones too.
    const closed = this.#starter.close()
    if (this.#lost.size === 0) await closed
  }

  /** In place of an idle one, if there is any. */
  #startInPlace(): Shift<Job> | undefined {
    const shift = this.#start()
    if (shift) this.#endIdle(1)
    return shift
  }

  #start(): Shift<Job> | undefined {
    if (Date.now() < this.#pausedUntilMs) return undefined
    const refusals = this.#refusals
    try {
      const shift: Shift<Job> = new Shift<Job>((port) => this.#starter.start(port), this.#outputLimit, {
        opened: () => refusals === this.#refusals && this.#noteStarted(),
        said: this.#events.said,
        done: (waybill) => this.#done(shift, waybill),
        ended: (waybills, death, hasOpened) => this.#ended(shift, waybills, death, hasOpened),
        exitedLate: () => {
          clearTimeout(this.#lost.get(shift)?.timer)
          this.#lost.delete(shift)
          this.#events.room()
        },
      })
      this.#shifts.add(shift)
      return shift
    } catch (error) {
      this.#noteRefused(error)
      return undefined
    }
  }

  #done(shift: Shift<Job>, waybill: DispatchedWaybill<Job>): void {
    this.#roomy.delete(shift)
    // What lies behind another is short.
    if (shift.waybills.length > 0 && !shift.shared) this.#roomy.add(shift)
    if (shift.waybills.length === 0) {
      this.#endSharing(shift)
      if (shift.isUsable) this.#rest(shift)
    }
    waybill.free()
  }

  #endSharing(shift: Shift<Job>): void {
    const { shared } = shift
    if (!shared) return
    shift.shared = undefined
    // Those that came when this thread was about to end may share another one.
    if (this.#shared.get(shared) !== shift) return
    this.#shared.delete(shared)
    shared.thread = undefined
  }

  #rest(shift: Shift<Job>): void {
    shift.idleSinceMs = Date.now()
    this.#idle.push(shift)
    this.#sweepTimer ??= setTimeout(() => this.#sweep(), this.#idleTimeoutMs).unref()
  }

  /** Ends the threads that have been idle for long: the first ones. */
  #sweep(): void {
    const now = Date.now()
    const isOver = ({ idleSinceMs }: Shift<Job>) =>
      now < idleSinceMs || now - idleSinceMs >= this.#idleTimeoutMs
    const fresh = this.#idle.findIndex((shift) => !isOver(shift))
    this.#endIdle(fresh < 0 ? this.#idle.length : fresh)
    const [first] = this.#idle
    this.#sweepTimer =
      first && setTimeout(() => this.#sweep(), first.idleSinceMs + this.#idleTimeoutMs - now).unref()
  }

  /** Ends the first ones. */
  #endIdle(count: number): void {
    for (const shift of this.#idle.splice(0, count)) {
      this.#shifts.delete(shift)
      shift.kill()
    }
  }

  #ended(
    shift: Shift<Job>,
    waybills: readonly DispatchedWaybill<Job>[],
    death: Death,
    hasOpened: boolean,
  ): void {
    this.#shifts.delete(shift)
    this.#roomy.delete(shift)
    this.#endSharing(shift)
    const at = this.#idle.indexOf(shift)
    if (at >= 0) this.#idle.splice(at, 1)
    if (shift.isLost) this.#noteLost(shift, waybills)
    if (hasOpened) return this.#events.ended(waybills, death)
    this.#noteRefused(death.error.cause)
    for (const waybill of waybills) this.#returnLater(waybill)
  }

  /** On a busy machine it may end soon after all: it is told a little later, or at the close. */
  #noteLost(shift: Shift<Job>, waybills: readonly DispatchedWaybill<Job>[]): void {
    const jobs = waybills.flatMap((waybill) => waybill.running())
    const tell = () => this.#events.lost(jobs)
    this.#lost.set(shift, { tell, timer: setTimeout(tell, LOST_TOLD_AFTER_MS).unref() })
  }

  #noteStarted(): void {
    this.#pauseMs = 0
    this.#lastTrouble = ''
    this.#events.room()
  }

  #noteRefused(cause: unknown): void {
    this.#refusals++
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs))
    this.#pausedUntilMs = Date.now() + this.#pauseMs
    clearTimeout(this.#pauseTimer)
    this.#pauseTimer = setTimeout(() => this.#events.room(), this.#pauseMs)
    const error = new ThreadStartError(cause)
    if (error.message !== this.#lastTrouble) this.#events.trouble(error)
    this.#lastTrouble = error.message
  }

  /** The caller goes on first. */
  #returnLater(waybill: DispatchedWaybill<Job>): void {
    queueMicrotask(() => {
      const mustWait = this.#shifts.size === 0 || !this.#events.isFull()
      waybill.giveUp(mustWait ? Math.max(1, this.#pausedUntilMs - Date.now()) : 0)
      waybill.free()
    })
  }
}
