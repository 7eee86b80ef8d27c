/** CRC-32C, the checksum of LevelDB's files, in the form in which it is stored there. Four bytes a step. */

const TABLES = tables()
const MASK = 0xa282ead8

/** The stored (masked) checksum of `bytes` from `start` to `end`. */
export function maskedCrc(bytes: Uint8Array, start: number, end: number): number {
  const [t0, t1, t2, t3] = TABLES
  let crc = -1
  let at = start
  for (; at + 4 <= end; at += 4) {
    crc ^=
      byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    crc =
      (t3[crc & 0xff] as number) ^
      (t2[(crc >>> 8) & 0xff] as number) ^
      (t1[(crc >>> 16) & 0xff] as number) ^
      (t0[crc >>> 24] as number)
  }
  for (; at < end; at++) crc = (t0[(crc ^ byte(bytes, at)) & 0xff] as number) ^ (crc >>> 8)
  crc = ~crc
  return (((crc >>> 15) | (crc << 17)) + MASK) >>> 0
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

function tables(): [Int32Array, Int32Array, Int32Array, Int32Array] {
  const first = new Int32Array(256).map((_, index) => {
    let crc = index
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
    return crc
  })
  const next = (table: Int32Array) => table.map((crc) => (first[crc & 0xff] as number) ^ (crc >>> 8))
  const second = next(first)
  const third = next(second)
  return [first, second, third, next(third)]
}
