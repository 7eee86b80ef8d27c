/** What a job's function is given beside its input, inside the thread. Nothing is made before it is asked for. */
import { decode, encode } from '../../codec/codec.js'
import { formatId } from '../../job/job-id.js'
import type { JobContext } from '../../worker.js'
import {
  CANCELLED,
  CLOSING,
  LISTENING,
  monotonicMs,
  type Packed,
  type Said,
  type SharedState,
  STARTED,
  TIMED_OUT,
} from '../waybill.js'

const PROGRESS_INTERVAL_MS = 20

export class ThreadJobContext implements JobContext {
  readonly task: string
  readonly #job: Packed
  readonly #index: number
  readonly #state: SharedState
  readonly #say: (said: Said) => void
  #controller: AbortController | undefined
  #reportedAt = Number.NEGATIVE_INFINITY
  #unreported: Uint8Array | undefined

  constructor(job: Packed, task: string, index: number, state: SharedState, say: (said: Said) => void) {
    this.#job = job
    this.task = task
    this.#index = index
    this.#state = state
    this.#say = say
  }

  get id(): string {
    return formatId(this.#job.place)
  }

  get attempt(): number {
    return this.#job.attempt
  }

  get meta(): unknown {
    return this.#job.meta && decode(this.#job.meta)
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#state.move(this.#index, STARTED, LISTENING)) this.#listen()
    }
    this.#abortIfAsked()
    return this.#controller.signal
  }

  progress = (value: unknown): void => {
    const bytes = Uint8Array.from(encode(value, 'progress'))
    const now = monotonicMs()
    if (now - this.#reportedAt < PROGRESS_INTERVAL_MS) {
      this.#unreported = bytes
      return
    }
    this.#reportedAt = now
    this.#unreported = undefined
    this.#say({ index: this.#index, progress: bytes })
  }

  log = (text: string): void => {
    this.#say({ index: this.#index, log: String(text) })
  }

  /** The job has ended: nothing is left unsaid, nobody waits. */
  end(): void {
    if (this.#unreported) this.#say({ index: this.#index, progress: this.#unreported })
    this.#unreported = undefined
    if (this.#controller) Atomics.notify(this.#state.words, this.#index)
  }

  /** The main thread changes the job's word and wakes whoever waits for that. */
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
