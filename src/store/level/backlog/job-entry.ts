/** A waiting job in memory, from the window through transit to its outcome. */
import { UNDEFINED } from '../../../codec/codec.js'
import type { Head, JobState, Place, StoredJob } from '../../../job/job.js'
import type { Notes } from '../../../job/notes.js'
import type { Claimed } from '../../store.js'
import type { Chunk } from '../format/chunk.js'
import { writePlace } from '../format/keys.js'
import {
  bodyAtOf,
  copyBytes,
  DAMAGED_BODY,
  damagedHead,
  encodeRecord,
  enqueuedAtOf,
  headOf,
  isIntact,
} from '../format/record.js'
import type { RunningNotes } from './running-notes.js'
import type { Entry } from './window.js'

/** What an entry costs in memory beside its record, about. */
const OVERHEAD_BYTES = 200

export class JobEntry implements Entry<Place>, Claimed, StoredJob {
  readonly place: Place
  /** The chunk that it is in, if it is in one: its record is among those of the chunk. */
  readonly chunk: Chunk | undefined
  readonly index: number
  /** Set while it is in transit. */
  waybill: ClaimedWaybill | undefined
  /** When its attempt started, in ms since the epoch. */
  startedAt: number | undefined
  /** What it has noted while in transit. */
  running: RunningNotes | undefined
  /** How many bytes its record takes on disk. One that is damaged is another one in memory. */
  readonly storedBytes: number
  readonly #record: Buffer | undefined
  #head: Readonly<Head> | undefined

  private constructor(
    place: Place,
    record: Buffer | undefined,
    chunk: Chunk | undefined,
    index: number,
    storedBytes: number,
  ) {
    this.place = place
    this.chunk = chunk
    this.index = index
    this.storedBytes = storedBytes
    this.#record = record
  }

  /** One whose record is by itself. */
  static single(place: Place, record: Buffer): JobEntry {
    return new JobEntry(place, record, undefined, 0, record.length)
  }

  static inChunk(place: Place, chunk: Chunk, index: number): JobEntry {
    return new JobEntry(place, undefined, chunk, index, chunk.endOf(index) - chunk.startOf(index))
  }

  /** Checks a record that was read from disk. If its bytes have changed, returns an entry whose head says that it is damaged. */
  verified(): JobEntry {
    if (isIntact(this.place, this.#source, this.#start, this.#end)) return this
    const record = encodeRecord(this.place, 0, damagedHead(), DAMAGED_BODY)
    return new JobEntry(this.place, record, this.chunk, this.index, this.storedBytes)
  }

  get key(): Place {
    return this.place
  }

  get state(): JobState {
    return 'waiting'
  }

  get bytes(): number {
    return this.#end - this.#start + OVERHEAD_BYTES + (this.chunk?.deadBytesPerJob ?? 0)
  }

  get record(): Buffer {
    return this.#source.subarray(this.#start, this.#end)
  }

  get enqueuedAt(): number {
    return enqueuedAtOf(this.#source, this.#start)
  }

  get head(): Readonly<Head> {
    this.#head ??= headOf(this.#source, this.#start)
    return this.#head
  }

  get alone(): boolean {
    return this.head.alone ?? false
  }

  get attempt(): number {
    return (this.head.attempt ?? 0) + 1
  }

  get notes(): Notes | undefined {
    return this.running?.notes
  }

  get body(): Uint8Array {
    return this.#source.subarray(bodyAtOf(this.#source, this.#start), this.#end)
  }

  get input(): Uint8Array {
    return this.body
  }

  get inputBytes(): number {
    return this.#end - bodyAtOf(this.#source, this.#start)
  }

  /** Whether the input is `undefined`. */
  get isWithoutInput(): boolean {
    const source = this.#source
    const at = bodyAtOf(source, this.#start)
    return this.#end - at === 1 && source[at] === UNDEFINED[0]
  }

  copyInput(target: Uint8Array, at: number): void {
    const source = this.#source
    copyBytes(source, bodyAtOf(source, this.#start), this.#end, target, at)
  }

  /** Its record with another history. */
  recordWith(head: Readonly<Head>): Buffer {
    return encodeRecord(this.place, this.enqueuedAt, head, this.input)
  }

  get #source(): Buffer {
    return this.#record ?? (this.chunk as Chunk).bytes
  }

  get #start(): number {
    return this.#record ? 0 : (this.chunk as Chunk).startOf(this.index)
  }

  get #end(): number {
    return this.#record ? this.#record.length : (this.chunk as Chunk).endOf(this.index)
  }
}

/** The jobs that were claimed together. Those that have no outcome yet name it as theirs. */
export interface ClaimedWaybill {
  readonly number: number
  readonly jobs: readonly JobEntry[]
  /** Whether its job is not charged when the process dies, though it is the only one: it may not have run, or others ran beside it. */
  readonly isInDoubt: boolean
  /** How many have no outcome. */
  left: number
}

const LISTED_BYTES = 14

/** A waybill's value on disk: each job's id:12 and attempt:2; and a byte more, if it is in doubt. */
export function encodeWaybill(jobs: readonly JobEntry[], isInDoubt: boolean): Buffer {
  const value = Buffer.alloc(jobs.length * LISTED_BYTES + (isInDoubt ? 1 : 0))
  let at = 0
  for (const job of jobs) {
    writePlace(value, job.place, at)
    value.writeUInt16BE(Math.min(job.attempt, 0xffff), at + 12)
    at += LISTED_BYTES
  }
  return value
}

/** Whether a waybill's value says that it is in doubt. */
export function wasInDoubt(value: Buffer): boolean {
  return value.length % LISTED_BYTES === 1
}

/** The offsets in a waybill's value at which a job's id begins. Its attempt is 12 bytes on. */
export function* waybillOffsets(value: Buffer): Generator<number> {
  for (let at = 0; at + LISTED_BYTES <= value.byteLength; at += LISTED_BYTES) yield at
}
