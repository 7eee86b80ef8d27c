/** What an entry of the retention index lists: the jobs that finished in one group. */
import type { Place } from '../../../job/job.js'
import { ID_BYTES, readPlace, writePlace } from '../format/keys.js'

/**
 * What is listed: id:12 kind:1 count:2 bytes:4. The kind says whether it is a job, a job with an idempotency key that is to be
 * deleted along with it, or a chunk of so many jobs. The bytes are those of the jobs' records.
 */
const LISTED_BYTES = ID_BYTES + 7
export const JOB = 0
export const NAMED_JOB = 1
export const CHUNK_OF_JOBS = 2

/** So many jobs, whose records take so many bytes. */
export interface Amount {
  readonly count: number
  readonly bytes: number
}

/** An index entry's list, growing. */
export class JobList {
  #bytes = Buffer.allocUnsafe(64 * LISTED_BYTES)
  #length = 0

  /** In bytes. */
  get length(): number {
    return this.#length
  }

  push(place: Place, kind: number, { count, bytes }: Amount): void {
    const at = this.#grow()
    writePlace(this.#bytes, place, at)
    this.#bytes[at + ID_BYTES] = kind
    this.#bytes.writeUInt16BE(count, at + ID_BYTES + 1)
    this.#bytes.writeUInt32BE(bytes, at + ID_BYTES + 3)
  }

  copy(jobs: Buffer, at: number): void {
    const to = this.#grow()
    jobs.copy(this.#bytes, to, at, at + LISTED_BYTES)
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Makes room for one more. Returns where. */
  #grow(): number {
    const at = this.#length
    this.#length += LISTED_BYTES
    if (this.#length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length)
    return at
  }
}

/** What is listed at one of the offsets of a list. */
export function listedAt(jobs: Buffer, at: number): { place: Place; kind: number } & Amount {
  return {
    place: readPlace(jobs, at),
    kind: jobs[at + ID_BYTES] ?? JOB,
    count: jobs.readUInt16BE(at + ID_BYTES + 1),
    bytes: jobs.readUInt32BE(at + ID_BYTES + 3),
  }
}

/** How many jobs a list lists, and how many bytes they take. */
export function listedIn(jobs: Buffer): Amount {
  const sum = { count: 0, bytes: 0 }
  for (const at of offsetsOf(jobs)) {
    const { count, bytes } = listedAt(jobs, at)
    sum.count += count
    sum.bytes += bytes
  }
  return sum
}

/** Where each part of a list begins. */
export function* offsetsOf(jobs: Buffer): Generator<number> {
  for (let at = 0; at + LISTED_BYTES <= jobs.length; at += LISTED_BYTES) yield at
}
