/**
 * LevelDB's manifest: a log of edits that together say which files count. Numbers are varints, texts have their length
 * before them.
 */

export interface Manifest {
  /** Logs with a lower number are of no more use. 0: there was none yet. */
  readonly log: number
  /** The size of each table, by number. */
  readonly tables: ReadonlyMap<number, number>
}

const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9

/** What the edits add up to; `undefined` if one cannot be read, or they do not say all that a manifest must. */
export function readManifest(edits: Iterable<Buffer>): Manifest | undefined {
  const tables = new Map<number, number>()
  const numbers = new Map<number, number>()
  for (const edit of edits) {
    const reader = new Reader(edit)
    while (reader.at < edit.length) {
      const tag = reader.number()
      if (tag === COMPARATOR) reader.skipText()
      else if (tag === LOG_NUMBER || tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG)
        numbers.set(tag, reader.number())
      else if (tag === COMPACT_POINTER) {
        reader.number()
        reader.skipText()
      } else if (tag === DELETED_FILE) {
        reader.number()
        tables.delete(reader.number())
      } else if (tag === NEW_FILE) {
        reader.number()
        tables.set(reader.number(), reader.number())
        reader.skipText()
        reader.skipText()
      } else return undefined
    }
    if (reader.at > edit.length) return undefined
  }
  const log = numbers.get(LOG_NUMBER)
  if (log === undefined || !numbers.has(NEXT_FILE) || !numbers.has(LAST_SEQUENCE)) return undefined
  return { log, tables }
}

class Reader {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Beyond the end it reads zeros. */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  skipText(): void {
    const length = this.number()
    this.at += length
  }
}
