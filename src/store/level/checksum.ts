/** CRC-32, the checksum of each record: over the job's place as well, so that a record under a wrong key is noticed too. */
import { crc32 } from 'node:zlib'
import type { Place } from '../../job.js'

/** Below this a loop is faster than a call into zlib. */
const SHORT_BYTES = 64

const TABLE = new Int32Array(256).map((_, index) => {
  let crc = index
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  return crc
})

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
  for (let at = start; at < end; at++) crc = withByte(crc, bytes[at] as number)
  return ~crc >>> 0
}

function withWord(crc: number, word: number): number {
  return withByte(withByte(withByte(withByte(crc, word), word >>> 8), word >>> 16), word >>> 24)
}

function withByte(crc: number, byte: number): number {
  return (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
}
