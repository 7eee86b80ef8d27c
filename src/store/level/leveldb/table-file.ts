/**
 * The format of LevelDB's tables, as far as it takes to check their blocks: each is `contents type:1 crc:4`; an index block
 * names those with data, a meta index the one that says which keys there are none of (the filter); a footer at the end says
 * where these two are. Numbers are varints. LevelDB itself does not check the checksums when it reads.
 */
import { maskedCrc } from './crc32c.js'

const FOOTER = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
const PLAIN = 0
const SNAPPY = 1
const FENCED = 0x7f

export interface Block {
  readonly offset: number
  /** Without its type and checksum. */
  readonly length: number
}

/**
 * The blocks whose bytes have changed; `undefined` if not even the index can be read. The meta index stands for the filter
 * too: without it LevelDB does without.
 */
export function damagedBlocks(table: Buffer): Block[] | undefined {
  if (table.length < FOOTER || !table.subarray(-MAGIC.length).equals(MAGIC)) return undefined
  try {
    const footer = new Cursor(table.subarray(-FOOTER))
    const meta = footer.block()
    const index = footer.block()
    if (!isSound(table, index)) return undefined
    const damaged = blocksOf(contentsOf(table, index)).filter((block) => !isSound(table, block))
    return isMetaSound(table, meta) ? damaged : [...damaged, meta]
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Gives a damaged block an unknown type, so that LevelDB sees the damage and leaves the block out. */
export function fence(table: Buffer, { offset, length }: Block): void {
  table[offset + length] = FENCED
}

/** Whether the meta index and what it names are sound, or LevelDB is kept from reading them. */
function isMetaSound(table: Buffer, meta: Block): boolean {
  if (table[meta.offset + meta.length] === FENCED) return true
  return isSound(table, meta) && blocksOf(contentsOf(table, meta)).every((block) => isSound(table, block))
}

function isSound(table: Buffer, { offset, length }: Block): boolean {
  const end = offset + length + 1
  return end + 4 <= table.length && table.readUInt32LE(end) === maskedCrc(table, offset, end)
}

function contentsOf(table: Buffer, { offset, length }: Block): Buffer {
  const contents = table.subarray(offset, offset + length)
  const type = table[offset + length]
  if (type === SNAPPY) return unsnap(contents)
  if (type !== PLAIN) throw new RangeError(`no block has type ${type}`)
  return contents
}

/** What an index block names. Its entries are `shared unshared valueLength key value`, and behind them are restart points. */
function blocksOf(index: Buffer): Block[] {
  const restarts = index.readUInt32LE(index.length - 4)
  const entries = new Cursor(index.subarray(0, index.length - 4 * (restarts + 1)))
  const blocks: Block[] = []
  while (!entries.isAtEnd) {
    entries.number()
    const unshared = entries.number()
    const length = entries.number()
    entries.at += unshared
    const value = new Cursor(index.subarray(entries.at, entries.at + length))
    entries.at += length
    blocks.push(value.block())
  }
  return blocks
}

/** Snappy's raw format: the length, then literals and copies of what came before. */
function unsnap(bytes: Buffer): Buffer {
  const cursor = new Cursor(bytes)
  const length = cursor.number()
  // A copy of 64 bytes takes two at least.
  if (length > 64 * bytes.length) throw new RangeError('it cannot be so long')
  const output = Buffer.alloc(length)
  let written = 0
  while (!cursor.isAtEnd) {
    const tag = cursor.byte()
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const length = 1 + (short < 60 ? short : cursor.littleEndian(short - 59))
      written += bytes.copy(output, written, cursor.at, cursor.at + length)
      cursor.at += length
      continue
    }
    const length = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const distance = kind === 1 ? ((tag >>> 5) << 8) | cursor.byte() : cursor.littleEndian(kind === 2 ? 2 : 4)
    if (distance === 0 || distance > written) throw new RangeError('a copy of what is not there')
    // A copy may run into what it has just written.
    for (const end = Math.min(output.length, written + length); written < end; written++)
      output[written] = output[written - distance] as number
  }
  return output
}

class Cursor {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes.readUInt8(this.at++)
  }

  littleEndian(length: number): number {
    const value = this.#bytes.readUIntLE(this.at, length)
    this.at += length
    return value
  }

  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  block(): Block {
    return { offset: this.number(), length: this.number() }
  }
}
