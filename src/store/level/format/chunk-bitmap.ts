/**
 * Which jobs have left a chunk, as it is stored beside it: a bit per job, and a checksum. A bit that changed on disk would be a job that
 * is lost in silence, or one that runs again.
 *
 * ```
 *  checksum:4 bits
 * ```
 */
import { DamagedError } from '../../../errors/errors.js'
import type { Place } from '../../../job/job.js'
import { checksumOf } from './checksum.js'

const BITS_AT = 4

/** What is stored of the bits of the chunk at `place`. */
export function encodeLeft(place: Place, bits: Buffer): Buffer {
  const value = Buffer.allocUnsafe(BITS_AT + bits.length)
  bits.copy(value, BITS_AT)
  value.writeUInt32BE(checksumOf(place, value, BITS_AT, value.length), 0)
  return value
}

/** The bits again. @throws {DamagedError} they are not as they were written. */
export function decodeLeft(place: Place, value: Buffer): Buffer {
  if (value.length <= BITS_AT || value.readUInt32BE(0) !== checksumOf(place, value, BITS_AT, value.length))
    throw new DamagedError('it is not known which jobs have left a chunk')
  return value.subarray(BITS_AT)
}

/** How many jobs have left, by what is stored. */
export function countLeft(value: Buffer): number {
  let left = 0
  const bits = value.subarray(BITS_AT)
  for (let index = 0; index < bits.length * 8; index++) if (isSet(bits, index)) left++
  return left
}

/** Whether a job's bit is set. */
export function isSet(bits: Buffer, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
}
