/**
 * The keys of a directory. Binary and big-endian, so that LevelDB's byte order is the order in which things happen:
 *
 * | key | value |
 * |---|---|
 * | `b` id:12 | a job of the backlog: waiting, or in transit (claiming does not move the bytes) |
 * | `g` id:12 | a chunk of small jobs of the backlog, from the one with this id on: see `chunk.ts` |
 * | `h` id:12 | which jobs have left that chunk: see `chunk-bitmap.ts` |
 * | `d` id:12 | a delayed job |
 * | `t` runAt:6 id:12 | the size:4 of a delayed job's record: delayed jobs in the order in which they are due |
 * | `x` waybill:6 | the places and attempts of the jobs handed out together |
 * | `n` id:12 kind:1 | what a job in transit has noted of itself, see `note.ts` |
 * | `c` `f` `a` id:12 | a completed, failed or cancelled (aborted) job |
 * | `o` id:12 group:6 | a chunk of completed jobs: those of one chunk of the backlog (or one priority) that finished together |
 * | `e` state:1 finishedAt:6 group:6 | the places and sizes of jobs and chunks that finished together: the retention index |
 * | `k` lane:4 key | the place of the job that has this key |
 * | `m` … | the format, the last number given out, each lane's task and counts, the bytes of each state (all these see `checked.ts`), how much was deleted, the mark of an fsynced group |
 *
 * An id is lane:4 priority:2 seq:6.
 */
import { DamagedError } from '../../../errors/errors.js'
import type { FinishedState, JobState, Place } from '../../../job/job.js'

export type Key = Buffer

/** Which prefix a job in each state is kept under. */
export const PREFIX = {
  waiting: 'b',
  running: 'b',
  delayed: 'd',
  completed: 'c',
  failed: 'f',
  cancelled: 'a',
} as const satisfies Record<JobState, string>

export const ID_BYTES = 12
const PRIORITY_OFFSET = 32_768

/** The prefixes of chunks, and of the bitmaps of jobs that have left them. */
export const CHUNK = 'g'
export const LEFT = 'h'
export const COMPLETED_CHUNK = 'o'

/** The key of a job in a state. */
export function jobKey(state: JobState, place: Place): Key {
  const key = Buffer.allocUnsafe(1 + ID_BYTES)
  key[0] = PREFIX[state].charCodeAt(0)
  return writePlace(key, place, 1)
}

/** The key of a chunk of waiting jobs, or with `LEFT` of its bitmap. */
export function chunkKey(prefix: typeof CHUNK | typeof LEFT, place: Place): Key {
  const key = Buffer.allocUnsafe(1 + ID_BYTES)
  key[0] = prefix.charCodeAt(0)
  return writePlace(key, place, 1)
}

/** The key of a chunk of completed jobs. */
export function completedChunkKey(place: Place, group: number): Key {
  const key = Buffer.allocUnsafe(7 + ID_BYTES)
  key[0] = COMPLETED_CHUNK.charCodeAt(0)
  writePlace(key, place, 1).writeUIntBE(group, 1 + ID_BYTES, 6)
  return key
}

export function dueKey(runAt: number, place: Place): Key {
  const key = Buffer.allocUnsafe(7 + ID_BYTES)
  key[0] = 0x74 // t
  key.writeUIntBE(runAt, 1, 6)
  return writePlace(key, place, 7)
}

export function runAtOf(dueKey: Key): number {
  return dueKey.readUIntBE(1, 6)
}

/** What is stored under a due key: how large the job's record is, so that it is known before it is read. */
export function dueValue(size: number): Buffer {
  const value = Buffer.allocUnsafe(4)
  value.writeUInt32BE(size)
  return value
}

/** @throws {DamagedError} it is not what was stored. */
export function dueSizeOf(value: Buffer): number {
  if (value.length !== 4) throw new DamagedError('an entry of a delayed job has changed')
  return value.readUInt32BE()
}

export function waybillKey(waybill: number): Key {
  const key = Buffer.allocUnsafe(7)
  key[0] = 0x78 // x
  key.writeUIntBE(waybill, 1, 6)
  return key
}

export function waybillOf(waybillKey: Key): number {
  return readUint48(waybillKey, 1)
}

export function finishedKey(state: FinishedState, finishedAt: number, group: number): Key {
  const key = Buffer.allocUnsafe(14)
  key[0] = 0x65 // e
  key[1] = PREFIX[state].charCodeAt(0)
  key.writeUIntBE(finishedAt, 2, 6)
  key.writeUIntBE(group, 8, 6)
  return key
}

export function finishedAtOf(finishedKey: Key): number {
  return finishedKey.readUIntBE(2, 6)
}

/** The group of a `finishedKey`. */
export function groupOf(finishedKey: Key): number {
  return readUint48(finishedKey, 8)
}

/** The key that holds a job's idempotency key. */
export function nameKey(lane: number, name: string): Key {
  const head = Buffer.allocUnsafe(5)
  head[0] = 0x6b // k
  head.writeUInt32BE(lane, 1)
  if (name.isWellFormed()) return Buffer.concat([head, Buffer.from(name, 'utf8')])
  // UTF-8 would make one of many. No UTF-8 begins with this byte.
  return Buffer.concat([head, Buffer.of(0xff), Buffer.from(name, 'utf16le')])
}

/** Written into a new directory, checked in an old one. Changed when the keys or records change. */
export const FORMAT = 4
export const FORMAT_KEY: Key = Buffer.from('mf')
export const LAST_KEY: Key = Buffer.from('ms')
/** How many bytes the jobs of each state take. */
export const BYTES_KEY: Key = Buffer.from('mb')
/** How much was deleted: see `deletions.ts`. */
export const DELETIONS_KEY: Key = Buffer.from('md')
/** There while the queue closes, and after it was closed: see `recovery.ts`. */
export const CLOSING_KEY: Key = Buffer.from('mx')
/** Put last into each group that is fsynced, with an empty value. If anything stands behind that group in the log, it was on disk. */
export const SYNCED_KEY: Key = Buffer.from('my')

export function laneKey(lane: number): Key {
  return withLane('ml', lane)
}

export function countsKey(lane: number): Key {
  return withLane('mc', lane)
}

/** The lane of a `laneKey` or `countsKey`. */
export function laneOf(key: Key): number {
  return key.readUInt32BE(2)
}

function withLane(prefix: string, lane: number): Key {
  const key = Buffer.alloc(6, prefix)
  key.writeUInt32BE(lane, 2)
  return key
}

/** The place at the end of a job's or due key. */
export function placeOf(key: Buffer): Place {
  return readPlace(key, key.byteLength - ID_BYTES)
}

export function writePlace<B extends Buffer>(target: B, { lane, priority, seq }: Place, at: number): B {
  target.writeUInt32BE(lane, at)
  target.writeUInt16BE(priority + PRIORITY_OFFSET, at + 4)
  target.writeUIntBE(seq, at + 6, 6)
  return target
}

export function readPlace(source: Buffer, at: number): Place {
  return {
    lane: source.readUInt32BE(at),
    priority: source.readUInt16BE(at + 4) - PRIORITY_OFFSET,
    seq: readUint48(source, at + 6),
  }
}

/**
 * A number of 6 bytes. V8 keeps the one that `readUIntBE` gives as a float even if it is small. Objects that hold it then change
 * their shape, which makes each access to a place slow.
 */
export function readUint48(source: Buffer, at: number): number {
  const high = source.readUInt16BE(at)
  const low = source.readUInt32BE(at + 2)
  return high === 0 ? low : high * 2 ** 32 + low
}

/** The order of places, which is that of the jobs' keys. */
export function comparePlaces(a: Place, b: Place): number {
  return a.lane - b.lane || a.priority - b.priority || a.seq - b.seq
}

/** Every key that begins so, as an iterator's range. */
export function rangeOf(prefix: Buffer | string): { gte: Key; lt: Key } {
  const gte = Buffer.from(prefix as string)
  const lt = Buffer.from(gte)
  // No prefix in use ends in 0xff bytes only, so that adding one never overflows.
  for (let index = lt.length - 1; index >= 0; index--) {
    const byte = lt[index] ?? 0
    lt[index] = (byte + 1) & 0xff
    if (byte !== 0xff) break
  }
  return { gte, lt }
}

/** The waiting jobs of a lane. */
export function laneRange(lane: number): { gte: Key; lt: Key } {
  const prefix = Buffer.alloc(5, 'b')
  prefix.writeUInt32BE(lane, 1)
  return rangeOf(prefix)
}
