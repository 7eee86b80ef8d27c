/** CRC-32, the checksum of each record: over the job's place as well, so that a record under a wrong key is noticed too. */
import { crc32 } from 'node:zlib'
import type { Place } from '../../../job/job.js'

/** Below this a loop is faster than a call into zlib. */
const SHORT_BYTES = 128

/** The table of a byte, and those of bytes that 1, 2 and 3 more follow: four bytes at a time (Intel's slicing, 2006). */
const TABLES = new Int32Array(4 * 256)
for (let index = 0; index < 256; index++) {
  let crc = index
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  TABLES[index] = crc
}
for (let index = 256; index < TABLES.length; index++)
  TABLES[index] = withByte(TABLES[index - 256] as number, 0)

/** The checksum of a job's place and of `bytes` from `start` to `end`. */
export function checksumOf(
  { lane, priority, seq }: Place,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let crc = withWord(-1, lane)
  crc = withWord(crc, priority)
  crc = withWord(crc, seq | 0)
  crc = withWord(crc, (seq / 2 ** 32) | 0)
  if (end - start >= SHORT_BYTES) return crc32(bytes.subarray(start, end), ~crc >>> 0)
  let at = start
  for (; at + 4 <= end; at += 4) crc = withWord(crc, wordAt(bytes, at))
  for (; at < end; at++) crc = withByte(crc, bytes[at] as number)
  return ~crc >>> 0
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function withWord(crc: number, word: number): number {
  const mixed = crc ^ word
  return (
    (TABLES[768 + (mixed & 0xff)] as number) ^
    (TABLES[512 + ((mixed >>> 8) & 0xff)] as number) ^
    (TABLES[256 + ((mixed >>> 16) & 0xff)] as number) ^
    (TABLES[mixed >>> 24] as number)
  )
}

function withByte(crc: number, byte: number): number {
  return (TABLES[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
}
