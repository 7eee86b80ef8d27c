/**
 * The pool: hands waybills to Piscina's threads and says what became of their jobs.
 *
 * Piscina spawns a thread when a waybill finds none free, reuses the first idle one, and ends threads that have been idle for
 * `idleTimeout`. So the number of threads follows the number of waybills that its user lets out at once. Threads with the
 * same memory limits share one Piscina, which sets them per instance; most applications need but one.
 */
import type { ResourceLimits, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Limit } from '../codec/cost.js'
import { type ErrorData, toErrorData } from '../errors/error-data.js'
import type { Place } from '../job/job.js'
import type { WorkerModule } from '../tasks/worker-module.js'
import { DispatchedWaybill, type Result, type StopReason, type Timed } from './dispatched-waybill.js'
import { answer, type Said } from './said.js'
import { THREAD_FILE } from './thread-file.js'
import { readMessage } from './thread-messages.js'
import { type Carried, holdsOutcomes, packJobs, type WaybillMessage } from './waybill.js'

/** A job as the pool needs to know it. */
export interface PoolJob extends Timed {
  readonly claimed: Carried
  readonly task: string
  readonly module: WorkerModule
  /** How many attempts it has in all. */
  readonly attempts: number
}

export interface PoolEvents<Job> {
  results(results: Result<Job>[]): void
  /** A job has started at this time, in ms since the epoch. */
  started(job: Job, at: number): void
  said(job: Job, said: Said): void
}

export interface PoolOptions {
  /** How long an idle thread is kept, in ms. */
  readonly idleTimeout: number
  /** How long a stopped job that listens to its signal may take to end, in ms. */
  readonly abortGrace: number
  readonly maxOutputBytes: number
}

/** More than this at once are not let out, so that no waybill waits in Piscina's own queue behind another. */
export const MOST_THREADS = 1024

/** A thread that fails before it takes its waybill is no job's fault, unless it happens this often in a row. */
const FAILED_STARTS = 3

/** The threads that share memory limits. */
interface ThreadGroup<Job extends PoolJob> {
  readonly piscina: Piscina
  readonly out: Map<number, { waybill: DispatchedWaybill<Job>; abort: AbortController; hasThread: boolean }>
  readonly exits: Map<number, Promise<void>>
  failedStarts: number
  lastError: unknown
}

export class Pool<Job extends PoolJob> {
  readonly #options: PoolOptions
  readonly #outputLimit: Limit
  readonly #events: PoolEvents<Job>
  readonly #groups = new Map<string, ThreadGroup<Job>>()
  #lastNumber = 0
  #busy = 0

  constructor(options: PoolOptions, events: PoolEvents<Job>) {
    this.#options = options
    this.#outputLimit = { bytes: options.maxOutputBytes, option: 'maxOutputBytes' }
    this.#events = events
  }

  /** How many threads are running jobs. */
  get busy(): number {
    return this.#busy
  }

  /** How many threads there are, the idle ones included. */
  get threads(): number {
    let threads = 0
    for (const { piscina } of this.#groups.values()) threads += piscina.threads.length
    return threads
  }

  /** Sends jobs to a thread. `freed` is called when that thread is free for other jobs. */
  dispatch(jobs: readonly Job[], limits: ResourceLimits | undefined, freed: () => void): void {
    const group = this.#group(limits)
    const abort = new AbortController()
    const waybill = new DispatchedWaybill<Job>(++this.#lastNumber, jobs, this.#options.abortGrace, {
      results: (results) => this.#events.results(results),
      started: (job, at) => this.#events.started(job, at),
      kill: () => abort.abort(),
    })
    const out = { waybill, abort, hasThread: true }
    group.out.set(waybill.number, out)
    this.#busy++
    // Of several, the first outcome or look will tell.
    if (jobs.length === 1) waybill.noteStarted(0, Date.now())
    const message = pack(waybill, this.#outputLimit)
    group.piscina.run(message, { transferList: [message.jobs], signal: abort.signal }).then(
      async (outcomes: unknown) => {
        out.hasThread = false
        if (outcomes instanceof Uint8Array && holdsOutcomes(outcomes)) {
          group.failedStarts = 0
          waybill.receive(outcomes)
        } else await this.#noteEnd(group, waybill, outcomes)
        // Outcomes that were sent ahead come another way, and may still be on it.
        if (waybill.isSettled) group.out.delete(waybill.number)
        this.#busy--
        freed()
      },
      async (error: unknown) => {
        out.hasThread = false
        await this.#noteEnd(group, waybill, error)
        group.out.delete(waybill.number)
        this.#busy--
        freed()
      },
    )
  }

  /** Stops a job that is out. `false`: it has finished already; `undefined`: it is not here. */
  stop({ seq }: Place, reason: StopReason): boolean | undefined {
    for (const waybill of this.#waybills()) {
      const job = waybill.jobs.find(({ claimed }) => claimed.place.seq === seq)
      if (job) return waybill.stop(job, reason)
    }
    return undefined
  }

  /** Takes back every job that has not started. */
  recallAll(): void {
    for (const waybill of this.#waybills()) waybill.recall()
  }

  /** Stops every job that is out. */
  stopAll(reason: StopReason): void {
    for (const waybill of this.#waybills()) {
      waybill.recall()
      for (const job of waybill.jobs) waybill.stop(job, reason)
    }
  }

  /** Ends all threads. Jobs that are out get no result. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map(({ piscina }) => piscina.destroy()))
  }

  #waybills(): DispatchedWaybill<Job>[] {
    return [...this.#groups.values()].flatMap(({ out }) => [...out.values()].map(({ waybill }) => waybill))
  }

  /** A thread has ended. What it threw may be anything: Piscina takes `null` for the outcome of a task. */
  async #noteEnd(group: ThreadGroup<Job>, waybill: DispatchedWaybill<Job>, error: unknown): Promise<void> {
    // What the thread sent before it ended has arrived once its exit is known.
    await group.exits.get(waybill.state.threadId)
    this.#judge(group, waybill, error)
  }

  #judge(group: ThreadGroup<Job>, waybill: DispatchedWaybill<Job>, error: unknown): void {
    if (waybill.isSettled) return
    const hasBegun = waybill.state.threadId !== 0
    if (!hasBegun) group.failedStarts++
    const cause = isAbort(error) ? (group.lastError ?? error) : error
    const { message, code } = toErrorData(cause)
    // Piscina says "worker exited" of its own; anything else is what the thread itself threw.
    const isUncaught = !/^worker exited with code/.test(message) && code !== 'ERR_WORKER_OUT_OF_MEMORY'
    waybill.judge(threadDied(cause, hasBegun), isUncaught, hasBegun || group.failedStarts >= FAILED_STARTS)
  }

  /** Only the thread that has a waybill speaks for it. */
  #receive(group: ThreadGroup<Job>, threadId: number, received: unknown): void {
    const message = readMessage(received)
    const out = message && group.out.get(message.waybill)
    if (!out || out.waybill.state.threadId !== threadId) {
      if (message && 'reply' in message) answer(message.reply, 'ended')
      return
    }
    const { waybill, hasThread } = out
    if ('outcomes' in message) {
      waybill.receive(message.outcomes)
      if (waybill.isSettled && !hasThread) group.out.delete(waybill.number)
      return
    }
    const job = waybill.speaking(message.index)
    if (job) this.#events.said(job, message)
    else if ('reply' in message) answer(message.reply, 'ended')
  }

  #group(limits: ResourceLimits | undefined): ThreadGroup<Job> {
    const name = JSON.stringify(limits ?? null)
    const known = this.#groups.get(name)
    if (known) return known
    const piscina = new Piscina({
      filename: THREAD_FILE,
      minThreads: 0,
      maxThreads: MOST_THREADS,
      idleTimeout: this.#options.idleTimeout,
      recordTiming: false,
      ...(limits && { resourceLimits: limits }),
    })
    const group: ThreadGroup<Job> = {
      piscina,
      out: new Map(),
      exits: new Map(),
      failedStarts: 0,
      lastError: undefined,
    }
    piscina.on('workerCreate', () =>
      noteThreads(group.exits, piscina.threads, (threadId, message) =>
        this.#receive(group, threadId, message),
      ),
    )
    piscina.on('workerDestroy', () => setImmediate(() => abortStranded(group)))
    piscina.on('error', (error: unknown) => {
      group.lastError = error
    })
    this.#groups.set(name, group)
    return group
  }
}

function pack<Job extends PoolJob>(
  { number, state, jobs }: DispatchedWaybill<Job>,
  outputLimit: Limit,
): WaybillMessage {
  const kinds: (WorkerModule & { task: string })[] = []
  const kindOf = new Uint32Array(jobs.length)
  let kind = -1
  for (const [index, { task, module }] of jobs.entries()) {
    // Most are of the kind of the one before.
    if (!isOfKind(kinds[kind], task, module)) kind = kinds.findIndex((each) => isOfKind(each, task, module))
    if (kind < 0) kind = kinds.push({ ...module, task }) - 1
    kindOf[index] = kind
  }
  return { number, state: state.buffer, outputLimit, kinds, jobs: packJobs(jobs, kindOf) }
}

function isOfKind(
  kind: (WorkerModule & { task: string }) | undefined,
  task: string,
  { url, exportName }: WorkerModule,
): boolean {
  return kind !== undefined && kind.task === task && kind.url === url && kind.exportName === exportName
}

function noteThreads(
  exits: Map<number, Promise<void>>,
  threads: readonly Worker[],
  receive: (threadId: number, message: unknown) => void,
): void {
  for (const worker of threads) {
    const id = worker.threadId
    if (id < 0 || exits.has(id)) continue
    worker.on('message', (message) => receive(id, message))
    const exit = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
    })
    exits.set(id, exit)
    void exit.then(() => setImmediate(() => exits.delete(id)))
  }
}

/** A thread that ends while it starts up leaves its waybill in Piscina's queue, for which no other thread comes. */
function abortStranded<Job extends PoolJob>({ piscina, out }: ThreadGroup<Job>): void {
  const waiting = [...out.values()].filter(({ hasThread }) => hasThread)
  const stranded = waiting.filter(({ waybill }) => waybill.state.threadId === 0)
  const missing = waiting.length - piscina.threads.length
  for (const { abort } of stranded.slice(0, Math.max(0, missing))) abort.abort()
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function threadDied(cause: unknown, hasBegun: boolean): ErrorData {
  const data = toErrorData(cause)
  const what = hasBegun
    ? 'the thread ended while this job was running'
    : 'no thread could be started for this job'
  return {
    name: 'ThreadDiedError',
    code: 'MILLRACE_THREAD_DIED',
    message: `${what}: ${data.message}`,
    cause: data,
  }
}
