/** CRC-32C, the checksum of LevelDB's files, in the form in which it is stored there. Eight bytes a step. */

const TABLES = tables()
const MASK = 0xa282ead8

/** The stored (masked) checksum of `bytes` from `start` to `end`. */
export function maskedCrc(bytes: Uint8Array, start: number, end: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc ^=
      byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[byte(bytes, at + 4)] as number) ^
      (t2[byte(bytes, at + 5)] as number) ^
      (t1[byte(bytes, at + 6)] as number) ^
      (t0[byte(bytes, at + 7)] as number)
  }
  for (; at < end; at++) crc = (t0[(crc ^ byte(bytes, at)) & 0xff] as number) ^ (crc >>> 8)
  crc = ~crc
  return (((crc >>> 15) | (crc << 17)) + MASK) >>> 0
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

type Table = Int32Array

function tables(): [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256).map((_, index) => {
    let crc = index
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
    return crc
  })
  const next = (table: Table): Table => table.map((crc) => (first[crc & 0xff] as number) ^ (crc >>> 8))
  const [t1, t2] = [next(first), next(next(first))]
  const [t3, t4] = [next(t2), next(next(t2))]
  const [t5, t6] = [next(t4), next(next(t4))]
  return [first, t1, t2, t3, t4, t5, t6, next(t6)]
}
