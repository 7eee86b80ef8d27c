/**
 * Values that are no job's, with a checksum over their key and their bytes: `checksum:4 value`. A changed byte in a count, or in the last
 * number that was given out, would do harm in silence.
 */
import { crc32 } from 'node:zlib'
import { DamagedError } from '../../../errors/errors.js'
import type { Key } from './keys.js'

const CHECKSUM_BYTES = 4

/** What is to be stored under the key. */
export function checked(key: Key, value: Buffer): Buffer {
  const stored = Buffer.allocUnsafe(CHECKSUM_BYTES + value.length)
  value.copy(stored, CHECKSUM_BYTES)
  stored.writeUInt32BE(crc32(value, crc32(key)), 0)
  return stored
}

/** Whether what is stored under the key is as it was written. */
export function isChecked(key: Key, stored: Buffer): boolean {
  return (
    stored.length >= CHECKSUM_BYTES &&
    stored.readUInt32BE(0) === crc32(stored.subarray(CHECKSUM_BYTES), crc32(key))
  )
}

/** The value. @throws {DamagedError} it is not as it was written. */
export function checkedValue(key: Key, stored: Buffer): Buffer {
  if (!isChecked(key, stored)) throw new DamagedError(`the entry ${key.toString('hex')} has changed`)
  return stored.subarray(CHECKSUM_BYTES)
}
