/**
 * A waybill: what travels with a batch of jobs to a thread, and how both sides speak about it while it is out.
 *
 * The jobs' bytes go in one transferred buffer, the outcomes come back in others, so that the main thread only moves bytes.
 * Beside them both sides share a state word per job:
 *
 * ```
 *  WAITING ──thread──▶ STARTED ──thread──▶ DONE
 *     │                 │  └──thread, on reading job.signal──▶ LISTENING ──thread──▶ DONE
 *     │                 main: its thread is ended                  main: asked to end itself
 *     └─main─▶ RECALLED └─────▶ KILLED                             └─────▶ CANCELLED, TIMED_OUT or CLOSING
 * ```
 *
 * Every move is a compare-and-exchange, so that each job is run by one side's decision only: a recalled job is not started,
 * a finished one is not stopped.
 */
import type { Limit } from '../../codec/cost.js'
import type { Head, Place } from '../../job/job.js'
import type { WorkerModule } from '../../tasks/worker-module.js'

export const WAITING = 0
export const STARTED = 1
export const LISTENING = 2
export const DONE = 3
export const RECALLED = 4
export const KILLED = 5
export const CANCELLED = 6
export const TIMED_OUT = 7
export const CLOSING = 8

/** The word that asks a job that listens to end itself. */
export const STOP_WORD = { cancelled: CANCELLED, timedOut: TIMED_OUT, closing: CLOSING } as const

/** How much work is to travel together, in ms. Sending and recording a waybill costs about as much with one job as with many. */
export const WAYBILL_MS = 10

/** A waybill out for longer than this gives back the jobs that it has not started. */
export const RECALL_AFTER_MS = 2 * WAYBILL_MS

/** The shared state of a waybill: which thread has it, when its current job started, and a word per job. */
export class SharedState {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly #thread: Int32Array
  readonly #startedAt: Float64Array

  constructor(jobs: number | SharedArrayBuffer) {
    this.buffer = typeof jobs === 'number' ? new SharedArrayBuffer(HEAD_BYTES + 4 * jobs) : jobs
    this.#startedAt = new Float64Array(this.buffer, 0, 1)
    this.#thread = new Int32Array(this.buffer, 8, 1)
    this.words = new Int32Array(this.buffer, HEAD_BYTES)
  }

  /** The id of the thread that has taken it, 0 while none has. */
  get threadId(): number {
    return Atomics.load(this.#thread, 0)
  }
  set threadId(id: number) {
    Atomics.store(this.#thread, 0, id)
  }

  /** When the current job started, on the clock of `monotonicMs`. Written before the job's word. */
  get startedAt(): number {
    return this.#startedAt[0] as number
  }
  set startedAt(ms: number) {
    this.#startedAt[0] = ms
  }

  stateOf(index: number): number {
    return Atomics.load(this.words, index)
  }

  /** Whether a job listens to its signal, or has been asked to end itself. */
  get hasListener(): boolean {
    return this.words.some((_word, index) => {
      const word = this.stateOf(index)
      return word === LISTENING || word === CANCELLED || word === TIMED_OUT || word === CLOSING
    })
  }

  /** Whether another job than this one has been done. */
  hasDoneBeside(index: number): boolean {
    return this.words.some((_word, other) => other !== index && this.stateOf(other) === DONE)
  }

  /** Moves a job from one state to another. `false`: it was in a third. */
  move(index: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, index, from, to) === from
  }
}

const HEAD_BYTES = 16

/** Whether a job with this word runs. */
export function isRunning(word: number): boolean {
  return word === STARTED || word === LISTENING
}

/** A worker module may replace it, to have fake timers for example. */
const { hrtime } = process

/** A clock that only goes forward and reads the same in every thread of the process, in ms. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

/** A job that is to be packed. */
export interface Carried {
  readonly place: Place
  readonly enqueuedAt: number
  readonly attempt: number
  readonly head: Readonly<Pick<Head, 'key' | 'meta' | 'saved'>>
  readonly inputBytes: number
  copyInput(target: Uint8Array, at: number): void
}

/** A job as it arrives. */
export interface Packed {
  readonly place: Place
  readonly enqueuedAt: number
  readonly attempt: number
  /** How many attempts it has in all. */
  readonly attempts: number
  /** Which of the message's modules and tasks. */
  readonly kind: number
  readonly key: string | undefined
  readonly meta: Uint8Array | undefined
  readonly saved: Uint8Array | undefined
  readonly input: Uint8Array
}

/** What a thread is given. */
export interface WaybillMessage {
  readonly outputLimit: Limit
  readonly number: number
  /** Whether it runs beside others at the same time, not after them. */
  readonly isShared: boolean
  readonly state: SharedArrayBuffer
  readonly kinds: readonly (WorkerModule & { readonly task: string })[]
  readonly jobs: ArrayBuffer
}

/**
 * Each job's fixed part: place, attempt, kind, attempts in all, when it was enqueued, and the lengths of its key, meta, checkpoint and
 * input. Then all the bytes.
 */
const JOB_BYTES = 52

export function packJobs(
  jobs: readonly { readonly claimed: Carried; readonly attempts: number }[],
  kinds: Uint32Array,
): ArrayBuffer {
  let size = jobs.length * JOB_BYTES
  for (const { claimed } of jobs) {
    const { key, meta, saved } = claimed.head
    if (key !== undefined) size += Buffer.byteLength(key)
    size += (meta?.byteLength ?? 0) + (saved?.byteLength ?? 0) + claimed.inputBytes
  }
  // Every byte of it is written.
  const { buffer } = Buffer.allocUnsafeSlow(size)
  const view = new DataView(buffer)
  const bytes = Buffer.from(buffer)
  let at = 0
  let dataAt = jobs.length * JOB_BYTES
  for (const { claimed, attempts } of jobs) {
    const { place, inputBytes } = claimed
    const { key, meta, saved } = claimed.head
    view.setFloat64(at, place.seq)
    view.setUint32(at + 8, place.lane)
    view.setInt32(at + 12, place.priority)
    view.setUint32(at + 16, claimed.attempt)
    view.setUint32(at + 20, kinds[at / JOB_BYTES] as number)
    view.setUint32(at + 24, meta?.byteLength ?? 0)
    view.setUint32(at + 28, inputBytes)
    view.setFloat64(at + 32, claimed.enqueuedAt)
    view.setUint32(at + 40, attempts)
    const keyBytes = key === undefined ? 0 : bytes.write(key, dataAt)
    view.setUint32(at + 44, keyBytes)
    dataAt += keyBytes
    if (meta) {
      bytes.set(meta, dataAt)
      dataAt += meta.byteLength
    }
    view.setUint32(at + 48, saved?.byteLength ?? 0)
    if (saved) {
      bytes.set(saved, dataAt)
      dataAt += saved.byteLength
    }
    claimed.copyInput(bytes, dataAt)
    dataAt += inputBytes
    at += JOB_BYTES
  }
  return buffer
}

/** The jobs of a message in turn. Their bytes are views on it. */
export function* unpackJobs(buffer: ArrayBuffer, count: number): Generator<Packed> {
  const view = new DataView(buffer)
  let dataAt = count * JOB_BYTES
  for (let at = 0; at < count * JOB_BYTES; at += JOB_BYTES) {
    const metaAt = dataAt + view.getUint32(at + 44)
    const savedAt = metaAt + view.getUint32(at + 24)
    const inputAt = savedAt + view.getUint32(at + 48)
    const inputBytes = view.getUint32(at + 28)
    yield {
      place: { seq: view.getFloat64(at), lane: view.getUint32(at + 8), priority: view.getInt32(at + 12) },
      enqueuedAt: view.getFloat64(at + 32),
      attempt: view.getUint32(at + 16),
      attempts: view.getUint32(at + 40),
      kind: view.getUint32(at + 20),
      key: metaAt > dataAt ? Buffer.from(buffer, dataAt, metaAt - dataAt).toString() : undefined,
      meta: savedAt > metaAt ? new Uint8Array(buffer, metaAt, savedAt - metaAt) : undefined,
      saved: inputAt > savedAt ? new Uint8Array(buffer, savedAt, inputAt - savedAt) : undefined,
      input: new Uint8Array(buffer, inputAt, inputBytes),
    }
    dataAt = inputAt + inputBytes
  }
}
