/**
 * What a job's function is given beside its input, inside the thread. Nothing is made before it is asked for. Its functions can be
 * taken out of it: `({ file }, { log }) => …`.
 */
import { inspect } from 'node:util'
import type { Transferable } from 'node:worker_threads'
import { decode, encode } from '../../codec/codec.js'
import type { Limit } from '../../codec/cost.js'
import { JobStateError } from '../../errors/errors.js'
import { formatId } from '../../job/job-id.js'
import type { JobContext } from '../../worker.js'
import type { Said } from '../said.js'
import {
  CANCELLED,
  CLOSING,
  LISTENING,
  type Packed,
  type SharedState,
  STARTED,
  TIMED_OUT,
} from '../waybill/waybill.js'
import { Checkpoints } from './checkpoints.js'
import { JobReports } from './job-reports.js'

/** Sends what the job says, and transfers a part of it. */
export type Say = (said: Said, transferred?: readonly Transferable[]) => void

/**
 * Ends the job's context: sends held reports, and stores or rejects a checkpoint that is still held. A function and not a method,
 * so that a worker module cannot call it.
 */
export let endJob: (context: ThreadJobContext, isFailed: boolean) => void

/** What is shown of a job. */
const SHOWN = ['id', 'task', 'attempt', 'attempts', 'priority', 'key', 'enqueuedAt', 'meta', 'saved'] as const

export class ThreadJobContext implements JobContext {
  readonly #job: Packed
  readonly #task: string
  readonly #index: number
  readonly #state: SharedState
  readonly #say: Say
  readonly #checkpointLimit: Limit
  #controller: AbortController | undefined
  #reports: JobReports | undefined
  #checkpoints: Checkpoints | undefined
  #hasEnded = false
  #saved: { readonly value: unknown } | undefined

  /** `checkpointLimit` bounds what a checkpoint saves. */
  constructor(
    job: Packed,
    task: string,
    index: number,
    state: SharedState,
    say: Say,
    checkpointLimit: Limit,
  ) {
    this.#job = job
    this.#task = task
    this.#index = index
    this.#state = state
    this.#say = say
    this.#checkpointLimit = checkpointLimit
  }

  static {
    endJob = (context, isFailed) => context.#end(isFailed)
  }

  get id(): string {
    return formatId(this.#job.place)
  }

  get task(): string {
    return this.#task
  }

  get attempt(): number {
    return this.#job.attempt
  }

  get attempts(): number {
    return this.#job.attempts
  }

  get isLastAttempt(): boolean {
    return this.#job.attempt >= this.#job.attempts
  }

  get priority(): number {
    return this.#job.place.priority
  }

  get key(): string | undefined {
    return this.#job.key
  }

  get enqueuedAt(): Date {
    return new Date(this.#job.enqueuedAt)
  }

  get meta(): unknown {
    return this.#job.meta && decode(this.#job.meta)
  }

  get saved(): unknown {
    this.#saved ??= { value: this.#job.saved && decode(this.#job.saved) }
    return this.#saved.value
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#state.move(this.#index, STARTED, LISTENING)) this.#listen()
    }
    this.#abortIfAsked()
    return this.#controller.signal
  }

  get progress(): (value: unknown) => void {
    return (value) => {
      if (!this.#hasEnded) this.#reporting.progress(value)
    }
  }

  get log(): (text: string) => void {
    return (text) => {
      if (!this.#hasEnded) this.#reporting.log(text)
    }
  }

  get checkpoint(): (value: unknown) => Promise<void> {
    return (value) => this.#checkpoint(value)
  }

  toJSON(): Record<string, unknown> {
    return Object.fromEntries(SHOWN.map((name) => [name, this[name]]))
  }

  [inspect.custom](depth: number, options: object): string {
    if (depth < 0) return `[Job ${this.task} ${this.id}]`
    const shown = Object.entries(this.toJSON()).filter(([, value]) => value !== undefined)
    return `Job ${inspect(Object.fromEntries(shown), options)}`
  }

  get #reporting(): JobReports {
    this.#reports ??= new JobReports((report) => this.#say({ index: this.#index, ...report }))
    return this.#reports
  }

  #checkpoint(value: unknown): Promise<void> {
    try {
      return this.#saving.save(new Uint8Array(encode(value, 'checkpoint', this.#checkpointLimit)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  get #saving(): Checkpoints {
    this.#checkpoints ??= new Checkpoints(
      (checkpoint, reply) =>
        this.#say({ index: this.#index, checkpoint, reply }, [checkpoint.buffer as ArrayBuffer, reply]),
      () => new JobStateError(this.id, 'over', 'await its checkpoints before its function returns'),
      this.#hasEnded,
    )
    return this.#checkpoints
  }

  #end(isFailed: boolean): void {
    this.#hasEnded = true
    this.#checkpoints?.end(isFailed)
    this.#reports?.flush()
    if (this.#controller) Atomics.notify(this.#state.words, this.#index)
  }

  /** The main thread changes the job's word and wakes what waits for that. */
  #listen(): void {
    const { async, value } = Atomics.waitAsync(this.#state.words, this.#index, LISTENING)
    if (async) void value.then(() => this.#abortIfAsked())
  }

  #abortIfAsked(): void {
    const reason = abortReason(this.#state.stateOf(this.#index))
    if (reason && this.#controller && !this.#controller.signal.aborted) this.#controller.abort(reason)
  }
}

function abortReason(state: number): Error | undefined {
  switch (state) {
    case CANCELLED:
      return new DOMException('the job was cancelled', 'AbortError')
    case TIMED_OUT:
      return new DOMException('the job has run longer than its timeout', 'TimeoutError')
    case CLOSING:
      return new DOMException('the queue is closing', 'AbortError')
    default:
      return undefined
  }
}
