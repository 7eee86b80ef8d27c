/**
 * What is stored of a job, as bytes:
 *
 * ```
 *  flags:1 enqueuedAt:6 [attempt:4 startedAt:6 finishedAt:6 group:6] [headBytes:4 head] body
 * ```
 *
 * Only a finished job has the part about its end, and only a job with options or failures has a head (CBOR). So a plain one
 * costs 7 bytes beside its input, later 29 beside its output, and neither is encoded twice.
 */
import { decode, encode, encodeTrusted } from '../../codec.js'
import type { Head, JobState, Place, StoredJob } from '../../job.js'

const HAS_HEAD = 1
const HAS_END = 2

const FIXED_BYTES = 7
const END_BYTES = 22
const LENGTH_BYTES = 4

const NO_HEAD: Readonly<Head> = Object.freeze({})

/** How a job ended. `startedAt` 0: it never started. */
export interface End {
  readonly attempt: number
  readonly startedAt: number
  readonly finishedAt: number
  /** Where it stands in the retention index. */
  readonly group: number
}

/** What `end` says of the job outweighs what `head` says. */
export function encodeRecord(
  enqueuedAt: number,
  head: Readonly<Head> | undefined,
  body: Uint8Array | undefined,
  end?: End,
): Buffer {
  const kept = end ? withoutEnd(head) : head
  const headBytes = kept && kept !== NO_HEAD ? encodeHead(kept) : undefined
  const headAt = FIXED_BYTES + (end ? END_BYTES : 0)
  const bodyAt = headAt + (headBytes ? LENGTH_BYTES + headBytes.byteLength : 0)
  const record = Buffer.allocUnsafe(bodyAt + (body?.byteLength ?? 0))
  record[0] = (headBytes ? HAS_HEAD : 0) | (end ? HAS_END : 0)
  record.writeUIntBE(enqueuedAt, 1, 6)
  if (end) {
    record.writeUInt32BE(end.attempt, FIXED_BYTES)
    record.writeUIntBE(end.startedAt, FIXED_BYTES + 4, 6)
    record.writeUIntBE(end.finishedAt, FIXED_BYTES + 10, 6)
    record.writeUIntBE(end.group, FIXED_BYTES + 16, 6)
  }
  if (headBytes) {
    record.writeUInt32BE(headBytes.byteLength, headAt)
    record.set(headBytes, headAt + LENGTH_BYTES)
  }
  if (body) record.set(body, bodyAt)
  return record
}

export function enqueuedAtOf(record: Buffer): number {
  return record.readUIntBE(1, 6)
}

export function headOf(record: Buffer): Readonly<Head> {
  const end = endOf(record)
  if (!has(record, HAS_HEAD)) return end ?? NO_HEAD
  const start = headAtOf(record) + LENGTH_BYTES
  const head = decode(record.subarray(start, start + record.readUInt32BE(start - LENGTH_BYTES))) as Head
  return end ? { ...head, ...end } : head
}

export function bodyOf(record: Buffer): Buffer {
  const headAt = headAtOf(record)
  return record.subarray(has(record, HAS_HEAD) ? headAt + LENGTH_BYTES + record.readUInt32BE(headAt) : headAt)
}

export function decodeRecord(place: Place, state: JobState, record: Buffer): StoredJob {
  return { place, state, enqueuedAt: enqueuedAtOf(record), head: headOf(record), body: bodyOf(record) }
}

function encodeHead(head: Readonly<Head>): Uint8Array {
  // The key must come back as it was, to be freed with the job: CBOR alone would lose unpaired surrogates.
  return head.key === undefined || head.key.isWellFormed() ? encodeTrusted(head) : encode(head, 'head')
}

/** A head without what stands elsewhere in a finished job's record. */
function withoutEnd(head: Readonly<Head> | undefined): Readonly<Head> | undefined {
  if (!head || head === NO_HEAD) return undefined
  const { attempt: _attempt, startedAt: _started, finishedAt: _finished, group: _group, ...rest } = head
  return Object.keys(rest).length > 0 ? rest : undefined
}

function endOf(record: Buffer): Head | undefined {
  if (!has(record, HAS_END)) return undefined
  const startedAt = record.readUIntBE(FIXED_BYTES + 4, 6)
  return {
    attempt: record.readUInt32BE(FIXED_BYTES),
    ...(startedAt > 0 && { startedAt }),
    finishedAt: record.readUIntBE(FIXED_BYTES + 10, 6),
    group: record.readUIntBE(FIXED_BYTES + 16, 6),
  }
}

function headAtOf(record: Buffer): number {
  return FIXED_BYTES + (has(record, HAS_END) ? END_BYTES : 0)
}

function has(record: Buffer, flag: number): boolean {
  return ((record[0] ?? 0) & flag) !== 0
}
