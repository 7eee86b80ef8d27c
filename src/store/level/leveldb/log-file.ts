/**
 * The format of LevelDB's logs and manifests: blocks of 32 KiB, in them pieces of `crc:4 length:2 type:1 payload`, little-
 * endian. A record is one whole piece, or a first, middle ones and a last. A block's last bytes are left free when they are
 * too few for a header.
 */
import { maskedCrc } from './crc32c.js'

export interface LogRecord {
  /** Where it begins. */
  readonly offset: number
  readonly payload: Buffer
}

interface Piece {
  readonly type: number
  readonly offset: number
  readonly end: number
  readonly payload: Buffer
}

export const BLOCK = 32_768
const HEADER = 7
const WHOLE = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4
const UNKNOWN = 0x7f

/** The records up to the first that is torn or damaged. Returns where they end: at the log's end, if it is in order. */
export function* recordsOf(log: Buffer): Generator<LogRecord, number> {
  let end = 0
  let begun: Piece[] = []
  for (let piece = pieceAt(log, 0); piece; piece = pieceAt(log, piece.end)) {
    const isBeginning = piece.type === WHOLE || piece.type === FIRST
    if (isBeginning !== (begun.length === 0)) return end
    begun.push(piece)
    if (piece.type === FIRST || piece.type === MIDDLE) continue
    const [first] = begun as [Piece]
    const payload = begun.length === 1 ? piece.payload : Buffer.concat(begun.map(({ payload }) => payload))
    yield { offset: first.offset, payload }
    begun = []
    end = piece.end
  }
  return end
}

/** Whether the beginning of another record can be made out somewhere behind a damaged place. */
export function hasRecordAfter(log: Buffer, offset: number): boolean {
  for (let at = offset + 1; at + HEADER <= log.length; at++) {
    const type = pieceAt(log, at)?.type
    if (type === WHOLE || type === FIRST) return true
  }
  return false
}

/** Whether a whole piece begins right here. */
export function hasPieceAt(log: Buffer, at: number): boolean {
  return pieceAt(log, at) !== undefined
}

/** Whether a record ends here whose last piece is whole and begins behind `after`. */
export function hasEndAt(log: Buffer, end: number, after: number): boolean {
  const block = Math.floor((end - 1) / BLOCK) * BLOCK
  for (let at = end - HEADER; at >= Math.max(block, after); at--) {
    const type = log[at + 6]
    if (
      (type === WHOLE || type === LAST) &&
      at + HEADER + log.readUInt16LE(at + 4) === end &&
      pieceAt(log, at)
    )
      return true
  }
  return false
}

/**
 * Marks each damaged stretch as a piece of an unknown type, so that LevelDB's repair, which checks no checksums, leaves out
 * only that stretch. Returns how many there were.
 */
export function fenceDamage(log: Buffer): number {
  let fences = 0
  for (let at = 0; at + HEADER <= log.length; ) {
    const piece = pieceAt(log, at)
    const left = BLOCK - (at % BLOCK)
    if (piece || left < HEADER) {
      at = piece ? piece.end : at + left
      continue
    }
    const blockEnd = Math.min(at + left, log.length)
    let end = at + HEADER
    while (end < blockEnd && !(blockEnd - end >= HEADER && pieceAt(log, end))) end++
    log.writeUInt16LE(end - at - HEADER, at + 4)
    log[at + 6] = UNKNOWN
    fences++
    at = end
  }
  return fences
}

/** The piece that begins here (or in the next block, behind free bytes), if it is whole. */
function pieceAt(log: Buffer, at: number): Piece | undefined {
  const left = BLOCK - (at % BLOCK)
  const offset = left < HEADER ? at + left : at
  if (offset + HEADER > log.length) return undefined
  const length = log.readUInt16LE(offset + 4)
  const type = log[offset + 6] ?? 0
  const end = offset + HEADER + length
  if (type < WHOLE || type > LAST || end > log.length || length > BLOCK - (offset % BLOCK) - HEADER)
    return undefined
  if (log.readUInt32LE(offset) !== maskedCrc(log, offset + 6, end)) return undefined
  return { type, offset, end, payload: log.subarray(offset + HEADER, end) }
}
