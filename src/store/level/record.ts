/**
 * What is stored of a job, as bytes: `flags:1 enqueuedAt:6 [headBytes:4 head] body`. A job without history and options, the
 * usual one, has no head and costs 7 bytes beside its input.
 */
import { decode, encodeTrusted } from '../../codec.js'
import type { Head, JobState, Place, StoredJob } from '../../job.js'

const HAS_HEAD = 1
const FIXED = 7

const NO_HEAD: Readonly<Head> = Object.freeze({})

export function encodeRecord(
  enqueuedAt: number,
  head: Readonly<Head> | undefined,
  body: Uint8Array | undefined,
): Buffer {
  const headBytes = head && encodeTrusted(head)
  const bodyAt = headBytes ? FIXED + 4 + headBytes.byteLength : FIXED
  const record = Buffer.allocUnsafe(bodyAt + (body?.byteLength ?? 0))
  record[0] = headBytes ? HAS_HEAD : 0
  record.writeUIntBE(enqueuedAt, 1, 6)
  if (headBytes) {
    record.writeUInt32BE(headBytes.byteLength, FIXED)
    record.set(headBytes, FIXED + 4)
  }
  if (body) record.set(body, bodyAt)
  return record
}

export function enqueuedAtOf(record: Buffer): number {
  return record.readUIntBE(1, 6)
}

export function headOf(record: Buffer): Readonly<Head> {
  if (record[0] !== HAS_HEAD) return NO_HEAD
  return decode(record.subarray(FIXED + 4, FIXED + 4 + record.readUInt32BE(FIXED))) as Head
}

export function bodyOf(record: Buffer): Buffer {
  return record.subarray(record[0] === HAS_HEAD ? FIXED + 4 + record.readUInt32BE(FIXED) : FIXED)
}

export function decodeRecord(place: Place, state: JobState, record: Buffer): StoredJob {
  return { place, state, enqueuedAt: enqueuedAtOf(record), head: headOf(record), body: bodyOf(record) }
}
