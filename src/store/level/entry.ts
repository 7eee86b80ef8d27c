/** A waiting job in memory, from the window through transit to its outcome. */
import type { Head, Place } from '../../job.js'
import type { Claimed } from '../store.js'
import { jobKey, writePlace } from './keys.js'
import { bodyOf, enqueuedAtOf, headOf } from './record.js'
import type { Entry } from './window.js'

/** What an entry costs in memory beside its record, about. */
const OVERHEAD_BYTES = 200

export class JobEntry implements Entry, Claimed {
  readonly place: Place
  readonly record: Buffer
  readonly key: Buffer
  /** Set while it is in transit. */
  waybill: Waybill | undefined
  #head: Readonly<Head> | undefined

  constructor(place: Place, record: Buffer, key = jobKey('waiting', place)) {
    this.place = place
    this.record = record
    this.key = key
  }

  get bytes(): number {
    return this.record.byteLength + OVERHEAD_BYTES
  }

  get enqueuedAt(): number {
    return enqueuedAtOf(this.record)
  }

  get head(): Readonly<Head> {
    this.#head ??= headOf(this.record)
    return this.#head
  }

  get alone(): boolean {
    return this.head.alone ?? false
  }

  get attempt(): number {
    return (this.head.attempt ?? 0) + 1
  }

  get input(): Uint8Array {
    return bodyOf(this.record)
  }
}

/** The jobs that were claimed together and have no outcome yet. */
export interface Waybill {
  readonly number: number
  readonly jobs: Set<JobEntry>
}

const LISTED_BYTES = 14

/** A waybill's value on disk: each job's id:12 and attempt:2. */
export function encodeWaybill(jobs: Iterable<JobEntry>): Buffer {
  const all = [...jobs]
  const value = Buffer.allocUnsafe(all.length * LISTED_BYTES)
  all.forEach((job, index) => {
    writePlace(value, job.place, index * LISTED_BYTES)
    value.writeUInt16BE(Math.min(job.attempt, 0xffff), index * LISTED_BYTES + 12)
  })
  return value
}

/** The offsets in a waybill's value at which a job's id begins. Its attempt is 12 bytes on. */
export function* waybillOffsets(value: Buffer): Generator<number> {
  for (let at = 0; at + LISTED_BYTES <= value.byteLength; at += LISTED_BYTES) yield at
}
