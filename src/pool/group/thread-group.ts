/**
 * The threads that share memory limits: who is idle, and who may take one more waybill.
 *
 * ```
 *  idle ──give──▶ busy ──done──▶ idle ──idleTimeout──▶ dismissed ──▶ gone
 *                  └──the thread ends, or is lost──▶ gone
 * ```
 *
 * When a thread does not start, its jobs go back. Meanwhile jobs run on the threads that there are.
 */
import type { ResourceLimits } from 'node:worker_threads'
import type { Said } from '../said.js'
import type { Death } from '../waybill/blame.js'
import type { DispatchedWaybill } from '../waybill/dispatched-waybill.js'
import type { PoolJob } from '../waybill/pack-waybill.js'
import type { StopReason } from '../waybill/result.js'
import { LostThreads } from './lost-threads.js'
import type { SharedThread } from './shared-thread.js'
import { Shift } from './shift.js'
import type { ShiftOptions } from './shift-events.js'
import { StartPause } from './start-pause.js'
import { endFailed } from './thread-death.js'
import { type ThreadOptions, ThreadStarter } from './thread-starter.js'
import { WarmThreads } from './warm-threads.js'

type Waybills<Job extends PoolJob> = readonly DispatchedWaybill<Job>[]

export interface GroupOptions {
  /** How long an idle thread is kept, in ms. */
  readonly idleTimeout: number
  readonly maxOutputBytes: number
  /** How long what a setup gave for a thread's end may take, in ms. */
  readonly abortGrace: number
  readonly threads: ThreadOptions
}

export interface GroupEvents<Job extends PoolJob> {
  said(job: Job, said: Said): void
  /** The thread has ended, or is lost, with these waybills. */
  ended(waybills: Waybills<Job>, death: Death): void
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
  readonly #shiftOptions: ShiftOptions
  readonly #events: GroupEvents<Job>
  readonly #shifts = new Set<Shift<Job>>()
  /** The one that was busy last is the last. */
  readonly #idle: Shift<Job>[] = []
  /** Those that were dismissed and have not ended yet. */
  readonly #ending = new Set<Shift<Job>>()
  readonly #warm = new WarmThreads({
    size: () => this.size,
    start: () => this.#startIdle(),
    trouble: (error) => this.#events.trouble(error),
  })
  /** Those that may take a waybill behind the short one that they work on, the first to end it first. */
  readonly #roomy = new Set<Shift<Job>>()
  /** The one that each worked on last. */
  readonly #sharing = new WeakMap<SharedThread, Shift<Job>>()
  readonly #lost = new LostThreads<Shift<Job>>()
  #sweepTimer: NodeJS.Timeout | undefined
  readonly #pause = new StartPause({
    over: () => {
      this.#events.room()
      this.#warm.fill()
    },
    trouble: (error) => this.#events.trouble(error),
  })

  constructor(
    limits: ResourceLimits | undefined,
    most: number,
    options: GroupOptions,
    events: GroupEvents<Job>,
  ) {
    this.#starter = new ThreadStarter(limits, most, options.threads)
    this.#idleTimeoutMs = options.idleTimeout
    this.#shiftOptions = {
      outputLimit: { bytes: options.maxOutputBytes, option: 'maxOutputBytes' },
      setup: options.threads.setup?.url,
      endGraceMs: options.abortGrace,
    }
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
    return this.#lost.count
  }

  /** Whether there may be no more threads than there are: starts are refused. One more is tried when the pause is over. */
  get isRefusedThreads(): boolean {
    return this.#shifts.size > 0 && this.#pause.leftMs > 0
  }

  get waybills(): DispatchedWaybill<Job>[] {
    return [...this.#shifts].flatMap(({ waybills }) => [...waybills])
  }

  /** Keeps so many threads alive, idle or not. */
  keepWarm(count: number): void {
    this.#warm.count = count
    this.#sweep()
  }

  /** Gives a waybill to a thread that has none; `isFresh`: to one that has run no job. */
  give(waybill: DispatchedWaybill<Job>, isShortWaybill: boolean, isFresh: boolean): void {
    const shift = isFresh ? this.#start() : (this.#idle.pop() ?? this.#start())
    if (!shift) return this.#returnLater(waybill)
    // It is in the place of an idle one.
    if (isFresh) this.#endIdle(1)
    shift.give(waybill)
    if (isShortWaybill) this.#roomy.add(shift)
  }

  /** Gives a waybill to the thread that others share, or to one that has none. */
  giveShared(waybill: DispatchedWaybill<Job>, shared: SharedThread): void {
    const known = shared.isAtWork ? this.#sharing.get(shared) : undefined
    const shift = known ?? this.#idle.pop() ?? this.#start()
    if (!shift) return this.#returnLater(waybill)
    this.#sharing.set(shared, shift)
    shift.share(shared)
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

  /** Dismisses all threads. Does not wait for those that cannot be ended. */
  async close(): Promise<void> {
    clearTimeout(this.#sweepTimer)
    this.#pause.stop()
    this.#warm.stop()
    const gone = [...this.#shifts, ...this.#ending].map((shift) => shift.gone)
    for (const shift of this.#shifts) shift.dismiss()
    await Promise.all(gone)
    this.#lost.tellAll()
    // Piscina waits for every thread, the lost ones too.
    const closed = this.#starter.close()
    if (this.#lost.count === 0) await closed
  }

  #startIdle(): boolean {
    const shift = this.#start()
    if (shift) this.#rest(shift)
    return shift !== undefined
  }

  #start(): Shift<Job> | undefined {
    if (this.#pause.leftMs > 0) return undefined
    const { refusals } = this.#pause
    try {
      const shift: Shift<Job> = new Shift<Job>((port) => this.#starter.start(port), this.#shiftOptions, {
        opened: () => this.#pause.noteStarted(refusals),
        said: this.#events.said,
        done: (waybill) => this.#done(shift, waybill),
        setupFailed: (error) => {
          this.#remove(shift)
          shift.kill()
          this.#warm.noteNotSetUp(error)
        },
        endFailed: (error) => this.#events.trouble(endFailed(error)),
        ended: (waybills, death, hasOpened) => this.#ended(shift, waybills, death, hasOpened),
        exitedLate: () => {
          this.#lost.delete(shift)
          this.#events.room()
        },
      })
      this.#shifts.add(shift)
      return shift
    } catch (error) {
      this.#pause.noteRefused(error)
      return undefined
    }
  }

  #done(shift: Shift<Job>, waybill: DispatchedWaybill<Job>): void {
    this.#roomy.delete(shift)
    // What lies behind another is short.
    if (shift.waybills.length > 0) this.#roomy.add(shift)
    if (shift.isUsable) this.#warm.noteWorked()
    if (shift.waybills.length === 0 && shift.isUsable) this.#rest(shift)
    waybill.free()
  }

  #rest(shift: Shift<Job>): void {
    shift.idleSinceMs = Date.now()
    this.#idle.push(shift)
    this.#sweepIn(this.#idleTimeoutMs)
  }

  /** Ends the threads that have been idle for long: the first ones. */
  #sweep(): void {
    clearTimeout(this.#sweepTimer)
    const now = Date.now()
    const isOver = ({ idleSinceMs }: Shift<Job>) =>
      now < idleSinceMs || now - idleSinceMs >= this.#idleTimeoutMs
    const over = this.#idle.filter(isOver).length
    this.#endIdle(Math.min(over, Math.max(0, this.size - this.#warm.count)))
    this.#sweepTimer = undefined
    const [first] = this.#idle
    if (first && this.size > this.#warm.count) this.#sweepIn(first.idleSinceMs + this.#idleTimeoutMs - now)
  }

  #sweepIn(ms: number): void {
    this.#sweepTimer ??= setTimeout(() => this.#sweep(), ms).unref()
  }

  /** Ends the first ones. */
  #endIdle(count: number): void {
    for (const shift of this.#idle.splice(0, count)) {
      this.#shifts.delete(shift)
      this.#ending.add(shift)
      shift.dismiss()
    }
  }

  #ended(shift: Shift<Job>, waybills: Waybills<Job>, death: Death, hasOpened: boolean): void {
    this.#remove(shift)
    if (shift.isLost) {
      const jobs = waybills.flatMap((waybill) => waybill.running())
      this.#lost.add(shift, () => this.#events.lost(jobs))
    }
    if (hasOpened) {
      this.#warm.noteEnded(shift, waybills.length > 0, death)
      this.#events.ended(waybills, death)
    } else {
      this.#pause.noteRefused(death.error.cause)
      for (const waybill of waybills) this.#returnLater(waybill)
    }
    this.#warm.fill()
  }

  #remove(shift: Shift<Job>): void {
    this.#shifts.delete(shift)
    this.#ending.delete(shift)
    this.#roomy.delete(shift)
    const at = this.#idle.indexOf(shift)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  /** The caller goes on first. */
  #returnLater(waybill: DispatchedWaybill<Job>): void {
    queueMicrotask(() => {
      const mustWait = this.#shifts.size === 0 || !this.#events.isFull()
      waybill.giveUp(mustWait ? Math.max(1, this.#pause.leftMs) : 0)
      waybill.free()
    })
  }
}
