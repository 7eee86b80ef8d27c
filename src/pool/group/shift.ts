/**
 * A shift: a thread, from its start to its end, as the main thread sees it.
 *
 * ```
 *  STARTING ──it has taken its port──▶ OPEN ──kill──▶ KILLED ──exit──▶ ENDED
 *     │ └─────────────exit──────────────┤└──exit──▶ ENDED ▲ └──no exit for a while──▶ LOST ──exit──▶ ENDED
 *     └──────────────dismiss────────────┴──▶ ENDING ──────┘ its end has been called, or takes longer than `endGraceMs`
 * ```
 *
 * An idle thread is dismissed: what its setup gave for its end is called first, if there is a setup. A busy one is killed.
 *
 * A thread has at most two waybills: the one that it works on, and one that lies in its port. A shared one works on all that it has
 * at the same time. Waybills may be given while it starts. A thread that is killed while it runs native code may go on for as long
 * as that takes: it is LOST, its waybill is judged, and what it does is no longer looked at.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import {
  END,
  type Milestone,
  readCulprit,
  readMessage,
  readMilestone,
  readPrinted,
  refuse,
} from '../thread-messages.js'
import type { Death } from '../waybill/blame.js'
import type { DispatchedWaybill } from '../waybill/dispatched-waybill.js'
import { errorIn } from '../waybill/outcome-buffer.js'
import { type PoolJob, packWaybill } from '../waybill/pack-waybill.js'
import type { StopReason } from '../waybill/result.js'
import { RECALL_AFTER_MS } from '../waybill/waybill.js'
import type { SharedThread } from './shared-thread.js'
import type { ShiftEvents, ShiftOptions } from './shift-events.js'
import { endTookTooLong, threadDied } from './thread-death.js'

/** A killed thread that has not ended after this is no longer waited for: it runs code that cannot be interrupted. */
const LOST_AFTER_MS = 250
/** A killed thread without a job is waited for longer: it always ends, only slower when many end at once. */
const IDLE_LOST_AFTER_MS = 5000

type State = 'STARTING' | 'OPEN' | 'ENDING' | 'KILLED' | 'LOST' | 'ENDED'

export class Shift<Job extends PoolJob> {
  readonly #events: ShiftEvents<Job>
  readonly #options: ShiftOptions
  readonly #port: MessagePort
  readonly #worker: Worker
  readonly #waybills: DispatchedWaybill<Job>[] = []
  #state: State = 'STARTING'
  #hasOpened = false
  #hasRun = false
  #isSetUp: boolean
  #isRetiring = false
  #isLate = false
  #stopReason: StopReason | undefined
  #nextTimer: NodeJS.Timeout | undefined
  #lostTimer: NodeJS.Timeout | undefined
  #endTimer: NodeJS.Timeout | undefined
  #thrown: { readonly error: unknown } | undefined
  #culprit: number | undefined
  /** Fulfilled when it has ended, or is lost. */
  readonly gone: Promise<void>
  #noteGone: () => void = () => {}
  /** Since when it has nothing to do, in ms. */
  idleSinceMs = 0
  /** What its waybills share it as, if they do. */
  #shared: SharedThread | undefined

  /** Throws if no thread can be started. */
  constructor(start: (port: MessagePort) => Worker, options: ShiftOptions, events: ShiftEvents<Job>) {
    this.#events = events
    this.#options = options
    this.#isSetUp = options.setup === undefined
    this.gone = new Promise((resolve) => {
      this.#noteGone = resolve
    })
    const { port1, port2 } = new MessageChannel()
    try {
      this.#worker = start(port2)
    } catch (error) {
      port1.close()
      throw error
    }
    this.#port = port1
    port1.on('message', (message) => this.#receive(message)).unref()
    this.#worker.once('error', (error) => {
      this.#thrown = { error }
    })
    this.#worker.once('exit', (code) => this.#noteExit(code))
  }

  get waybills(): readonly DispatchedWaybill<Job>[] {
    return this.#waybills
  }

  /** Whether it has done what a waybill asked of it. */
  get hasRun(): boolean {
    return this.#hasRun
  }

  /** Whether its setup is through, or there is none. */
  get isSetUp(): boolean {
    return this.#isSetUp
  }

  get isLost(): boolean {
    return this.#state === 'LOST'
  }

  /** Whether one more waybill may lie behind its only one. */
  get hasRoom(): boolean {
    if (this.#shared) return false
    return this.#waybills.length === 1 && this.#state === 'OPEN' && !this.#isRetiring && !this.#isLate
  }

  /** Whether it may be given work when it has none. */
  get isUsable(): boolean {
    return !this.#isRetiring && (this.#state === 'OPEN' || this.#state === 'STARTING')
  }

  /** Its waybills run at the same time, until it has none. */
  share(shared: SharedThread): void {
    this.#shared = shared
    shared.thread = this
  }

  #endSharing(): void {
    // Those that came when this thread was about to end may share another one.
    if (this.#shared?.thread === this) this.#shared.thread = undefined
    this.#shared = undefined
  }

  give(waybill: DispatchedWaybill<Job>): void {
    const isShared = this.#shared !== undefined
    const message = packWaybill(waybill, this.#options.outputLimit, isShared)
    this.#waybills.push(waybill)
    waybill.lie(this)
    if (this.#waybills.length === 1) this.#worker.ref()
    if (isShared || this.#waybills.length === 1) waybill.begin()
    else
      this.#nextTimer = setTimeout(() => {
        if (waybill.state.threadId === 0) this.noteLate()
      }, RECALL_AFTER_MS)
    this.#port.postMessage(message, [message.jobs])
  }

  /** The waybill that it works on turned out long: none may lie behind it. */
  noteLate(): void {
    this.#isLate = true
    this.recallNext()
  }

  /** Takes back what has not started of the waybills that lie behind the first one. */
  recallNext(mustNotStart: (job: Job) => boolean = () => true): void {
    for (const waybill of this.#waybills.slice(1)) if (waybill.jobs.some(mustNotStart)) waybill.recall()
  }

  /** Stops all jobs. Those that listen are asked first: they end before the thread is ended for the others that share it. */
  stopAll(reason: StopReason): void {
    this.#stopReason = reason
    const waybills = [...this.#waybills]
    for (const waybill of waybills) waybill.recall()
    const listening = waybills.filter(({ state }) => state.hasListener)
    for (const waybill of listening.length > 0 ? listening : waybills)
      for (const job of waybill.jobs) waybill.stop(job, reason)
  }

  /** Ends it. If it is idle, what its setup gave for its end is called first. */
  dismiss(): void {
    const { setup, endGraceMs } = this.#options
    if (setup === undefined || this.#waybills.length > 0 || !this.isUsable) return this.kill()
    this.#state = 'ENDING'
    this.#worker.ref()
    this.#endTimer = setTimeout(() => {
      if (this.#isSetUp) this.#events.endFailed(endTookTooLong(endGraceMs))
      this.kill()
    }, endGraceMs)
    this.#port.postMessage(END)
  }

  /** Ends it, whatever it does. */
  kill(): void {
    if (this.#state !== 'OPEN' && this.#state !== 'STARTING' && this.#state !== 'ENDING') return
    clearTimeout(this.#endTimer)
    this.#state = 'KILLED'
    const isIdle = this.#waybills.length === 0
    this.#lostTimer = setTimeout(() => this.#lose(), isIdle ? IDLE_LOST_AFTER_MS : LOST_AFTER_MS)
    if (isIdle) this.#lostTimer.unref()
    void this.#worker.terminate()
    this.recallNext()
  }

  /** The thread was given up while it loaded a module: Node.js remembers that for the life of a thread. */
  #retire(): void {
    this.#isRetiring = true
    this.recallNext()
  }

  #receive(received: unknown): void {
    const message = readMessage(received)
    if (!message) return this.#receiveOther(received)
    const waybill = this.#waybills.find(({ number }) => number === message.waybill)
    if (!waybill) return refuse(message)
    if ('outcomes' in message) {
      waybill.receive(message.outcomes)
      if (message.isLast) this.#finish(waybill)
    } else if ('isLoading' in message) waybill.noteLoading(message.index, message.isLoading)
    else if ('unloadable' in message) {
      this.#retire()
      waybill.noteUnloadable(message.index, errorIn(message.unloadable))
    } else {
      const job = waybill.speaking(message.index)
      if (job) this.#events.said(job, message)
      else refuse(message)
    }
  }

  #receiveOther(received: unknown): void {
    const printed = readPrinted(received)
    const culprit = readCulprit(received)
    const milestone = readMilestone(received)
    if (printed) process[printed.stream].write(printed.text)
    else if (culprit !== undefined) this.#culprit = culprit
    else if (milestone) this.#reach(milestone)
    else if (!this.#hasOpened) {
      this.#hasOpened = true
      if (this.#state === 'STARTING') this.#state = 'OPEN'
      this.#events.opened()
    }
  }

  #reach({ milestone, error }: Milestone): void {
    if (milestone === 'setUp') {
      this.#isSetUp = true
      if (error && this.#waybills.length === 0 && this.isUsable) this.#events.setupFailed(errorIn(error))
    } else if (this.#state === 'ENDING') {
      if (error) this.#events.endFailed(errorIn(error))
      this.kill()
    }
  }

  #finish(waybill: DispatchedWaybill<Job>): void {
    this.#hasRun = true
    this.#isLate = false
    this.#waybills.splice(this.#waybills.indexOf(waybill), 1)
    clearTimeout(this.#nextTimer)
    const [next] = this.#waybills
    if (next) next.begin()
    else {
      this.#endSharing()
      this.#worker.unref()
    }
    if (this.#isRetiring && !next) this.kill()
    this.#events.done(waybill)
    if (this.#stopReason) this.stopAll(this.#stopReason)
  }

  /** What the thread has sent before it ended lies in the port. */
  #drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port)
      if (!received) break
      this.#receive(received.message)
    }
    this.#port.close()
  }

  #noteExit(code: number): void {
    clearTimeout(this.#lostTimer)
    const before = this.#state
    this.#state = 'ENDED'
    if (before === 'LOST') return this.#events.exitedLate()
    this.#drain()
    this.#end(this.#thrown ?? { error: new Error(`worker exited with code: ${code}`) }, before === 'KILLED')
  }

  #lose(): void {
    this.#state = 'LOST'
    this.#drain()
    this.#end({ error: new Error('the thread could not be ended') }, true)
  }

  #end({ error }: { readonly error: unknown }, isKilled: boolean): void {
    clearTimeout(this.#nextTimer)
    clearTimeout(this.#endTimer)
    const died = threadDied(error, this.#isSetUp ? undefined : this.#options.setup)
    const death: Death = {
      error: died,
      isKilled,
      isUncaught: this.#thrown !== undefined && died.cause?.code !== 'ERR_WORKER_OUT_OF_MEMORY',
      hasRunOthers: this.#hasRun,
      culprit: this.#culprit,
    }
    const hasOpened = this.#hasOpened || isKilled
    this.#endSharing()
    this.#events.ended(this.#waybills.splice(0), death, hasOpened)
    this.#noteGone()
  }
}
