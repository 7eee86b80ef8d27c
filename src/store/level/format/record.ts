/**
 * What is stored of a job, as bytes:
 *
 * ```
 *  checksum:4 flags:1 enqueuedAt:6 [attempt:4 startedAt:6 finishedAt:6 group:6] [headBytes:4 head] [inputBytes:4 input] body
 * ```
 *
 * Only a finished job has the part about its end, and only a job with options or a history has a head (CBOR). The body is the
 * input, of a completed job the output; then the input stands before it, if it is kept. So a plain one costs 11 bytes beside its
 * input, later 33 (37 with its input) beside its output, and nothing is encoded twice. LevelDB does not look at the
 * checksums of its tables when it reads; so each record has its own, and a job with changed bytes fails instead of being run.
 */
import { decode, encode, takeRoomBefore } from '../../../codec/codec.js'
import { toErrorData } from '../../../errors/error-data.js'
import { DamagedError } from '../../../errors/errors.js'
import { isHead } from '../../../job/head-shape.js'
import type { Head, JobState, Place, StoredJob } from '../../../job/job.js'
import { checksumOf } from './checksum.js'
import { readUint48 } from './keys.js'

const HAS_HEAD = 1
const HAS_END = 2
const HAS_INPUT = 4

/** The parts that stand behind their lengths, in this order. */
const SIZED_PARTS = [HAS_HEAD, HAS_INPUT] as const

const FLAGS_AT = 4
const FIXED_BYTES = 11
const END_BYTES = 22
const LENGTH_BYTES = 4
/** Up to this a loop copies faster than a call. */
const SHORT_BYTES = 32

export const NO_HEAD: Readonly<Head> = Object.freeze({})

/** No encoded value: to read it says that it is damaged. */
export const DAMAGED_BODY = Buffer.of(0xff)

/** How a job ended. `startedAt` 0: it never started. */
export interface End {
  readonly attempt: number
  readonly startedAt: number
  readonly finishedAt: number
  /** Where it stands in the retention index. */
  readonly group: number
}

/** What a record is made of. What `end` says of the job outweighs what `head` says. */
export interface Parts {
  readonly place: Place
  readonly enqueuedAt: number
  readonly headBytes: Uint8Array | undefined
  readonly body: Uint8Array | undefined
  readonly end: End | undefined
  /** The input, where the body is the output. */
  readonly input: EncodedInput | undefined
  readonly inputBytes: number
}

/** An encoded input, where it lies: a view on it would cost more than the copy. */
export interface EncodedInput {
  copyInput(target: Uint8Array, at: number): void
}

export function partsOf(
  place: Place,
  enqueuedAt: number,
  head: Readonly<Head> | undefined,
  body: Uint8Array | undefined,
  end?: End,
  input?: EncodedInput,
  inputBytes = 0,
): Parts {
  const kept = end ? withoutEnd(head) : head
  const headBytes = kept && kept !== NO_HEAD ? encode(kept, 'options') : undefined
  return { place, enqueuedAt, headBytes, body, end, input, inputBytes }
}

export function sizeOf({ headBytes, body, end, input, inputBytes }: Parts): number {
  const headSize = headBytes ? LENGTH_BYTES + headBytes.byteLength : 0
  const inputSize = input ? LENGTH_BYTES + inputBytes : 0
  return FIXED_BYTES + (end ? END_BYTES : 0) + headSize + inputSize + (body?.byteLength ?? 0)
}

/** Writes a record of `size` bytes, as `sizeOf` gives it. */
export function writeRecord(
  { place, enqueuedAt, headBytes, body, end, input, inputBytes }: Parts,
  target: Buffer,
  start: number,
  size: number,
): void {
  target[start + FLAGS_AT] = (headBytes ? HAS_HEAD : 0) | (end ? HAS_END : 0) | (input ? HAS_INPUT : 0)
  writeTime(target, enqueuedAt, start + 5)
  let at = start + FIXED_BYTES
  if (end) {
    target.writeUInt32BE(end.attempt, at)
    writeTime(target, end.startedAt, at + 4)
    writeTime(target, end.finishedAt, at + 10)
    writeTime(target, end.group, at + 16)
    at += END_BYTES
  }
  if (headBytes) {
    at = writeLength(target, headBytes.byteLength, at)
    copyBytes(headBytes, 0, headBytes.byteLength, target, at)
    at += headBytes.byteLength
  }
  if (input) {
    at = writeLength(target, inputBytes, at)
    input.copyInput(target, at)
    at += inputBytes
  }
  if (body) copyBytes(body, 0, body.byteLength, target, at)
  target.writeUInt32BE(checksumOf(place, target, start + FLAGS_AT, start + size), start)
}

/** A record of `size` bytes by itself. A large body is not copied, but gets the rest of the record before it. */
export function recordOf(parts: Parts, size: number): Buffer {
  const { body } = parts
  const around = body && takeRoomBefore(body, size - body.byteLength)
  const record = around ?? Buffer.allocUnsafe(size)
  writeRecord(around ? { ...parts, body: undefined } : parts, record, 0, size)
  return record
}

/** A record by itself. */
export function encodeRecord(
  place: Place,
  enqueuedAt: number,
  head: Readonly<Head> | undefined,
  body: Uint8Array | undefined,
  end?: End,
  input?: Uint8Array,
): Buffer {
  const kept = input && { copyInput: (target: Uint8Array, at: number) => target.set(input, at) }
  const parts = partsOf(place, enqueuedAt, head, body, end, kept, input?.byteLength)
  return recordOf(parts, sizeOf(parts))
}

/** Whether a record is as it was written, of that job. Its head and body can be found then, without reading past its end. */
export function isIntact(place: Place, bytes: Buffer, start = 0, end = bytes.length): boolean {
  return (
    end - start >= FIXED_BYTES &&
    bytes.readUInt32BE(start) === checksumOf(place, bytes, start + FLAGS_AT, end) &&
    hasItsParts(bytes, start, end)
  )
}

/** Whether the parts that a record says it has lie within it: a stranger's may have the right checksum all the same. */
function hasItsParts(bytes: Buffer, start: number, end: number): boolean {
  let at = headAtOf(bytes, start)
  for (const part of SIZED_PARTS) {
    if (!has(bytes, start, part)) continue
    if (at + LENGTH_BYTES > end) return false
    at += LENGTH_BYTES + bytes.readUInt32BE(at)
  }
  return at <= end
}

export function enqueuedAtOf(bytes: Buffer, start = 0): number {
  return readUint48(bytes, start + 5)
}

export function headOf(bytes: Buffer, start = 0): Readonly<Head> {
  const end = endOf(bytes, start)
  if (!has(bytes, start, HAS_HEAD)) return end ?? NO_HEAD
  const head = decodeHead(bytes, headAtOf(bytes, start) + LENGTH_BYTES)
  return end ? { ...head, ...end } : head
}

/** Where a record's body begins. */
export function bodyAtOf(bytes: Buffer, start = 0): number {
  const inputAt = inputAtOf(bytes, start)
  return has(bytes, start, HAS_INPUT) ? inputAt + LENGTH_BYTES + bytes.readUInt32BE(inputAt) : inputAt
}

export function bodyOf(bytes: Buffer, start = 0, end = bytes.length): Buffer {
  return bytes.subarray(bodyAtOf(bytes, start), end)
}

/** What was read from the disk. A damaged job has `damage` in its head, and no body. */
export function decodeRecord(
  place: Place,
  state: JobState,
  bytes: Buffer,
  start = 0,
  end = bytes.length,
): StoredJob {
  if (!isIntact(place, bytes, start, end))
    return { place, state, enqueuedAt: 0, head: damagedHead(), body: DAMAGED_BODY }
  const job = {
    place,
    state,
    enqueuedAt: enqueuedAtOf(bytes, start),
    head: headOf(bytes, start),
    body: bodyOf(bytes, start, end),
  }
  if (!has(bytes, start, HAS_INPUT)) return job
  return { ...job, input: bytes.subarray(inputAtOf(bytes, start) + LENGTH_BYTES, bodyAtOf(bytes, start)) }
}

/** What is known of a job whose record is not as it was written. */
export function damagedHead(): Head {
  return { damage: toErrorData(new DamagedError('its checksum does not match')) }
}

/** `Buffer.writeUIntBE` checks more than is needed for what every job has. */
function writeTime(target: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32)
  target[at] = high >>> 8
  target[at + 1] = high
  target[at + 2] = value >>> 24
  target[at + 3] = value >>> 16
  target[at + 4] = value >>> 8
  target[at + 5] = value
}

/** A head without what stands elsewhere in a finished job's record. */
function withoutEnd(head: Readonly<Head> | undefined): Readonly<Head> | undefined {
  if (!head || head === NO_HEAD) return undefined
  const { attempt: _attempt, startedAt: _started, finishedAt: _finished, group: _group, ...rest } = head
  return Object.keys(rest).length > 0 ? rest : undefined
}

/** One damaged record must not keep the others from being claimed, listed or recovered. */
function decodeHead(bytes: Buffer, start: number): Head {
  try {
    const head = decode(bytes.subarray(start, start + bytes.readUInt32BE(start - LENGTH_BYTES)))
    if (!isHead(head)) throw new DamagedError('it is no record of a job')
    return head
  } catch (error) {
    return { damage: toErrorData(error) }
  }
}

function endOf(bytes: Buffer, start: number): Head | undefined {
  const at = start + FIXED_BYTES
  if (!has(bytes, start, HAS_END) || at + END_BYTES > bytes.length) return undefined
  const attempt = bytes.readUInt32BE(at)
  const startedAt = bytes.readUIntBE(at + 4, 6)
  return {
    ...(attempt > 0 && { attempt }),
    ...(startedAt > 0 && { startedAt }),
    finishedAt: bytes.readUIntBE(at + 10, 6),
    group: bytes.readUIntBE(at + 16, 6),
  }
}

function headAtOf(bytes: Buffer, start: number): number {
  return start + FIXED_BYTES + (has(bytes, start, HAS_END) ? END_BYTES : 0)
}

/** Where the length of the input begins, or what stands in its place. */
function inputAtOf(bytes: Buffer, start: number): number {
  const headAt = headAtOf(bytes, start)
  return has(bytes, start, HAS_HEAD) ? headAt + LENGTH_BYTES + bytes.readUInt32BE(headAt) : headAt
}

/** Writes the length of a part. Returns where the part begins. */
function writeLength(target: Buffer, length: number, at: number): number {
  target.writeUInt32BE(length, at)
  return at + LENGTH_BYTES
}

/** Copies the bytes from `start` to `end` of one array into another. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start > SHORT_BYTES) target.set(source.subarray(start, end), at)
  else for (let from = start; from < end; from++) target[at + from - start] = source[from] as number
}

function has(bytes: Buffer, start: number, flag: number): boolean {
  return ((bytes[start + FLAGS_AT] ?? 0) & flag) !== 0
}
