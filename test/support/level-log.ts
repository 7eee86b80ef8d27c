/** LevelDB's log of a closed queue, taken apart and put together again. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SYNCED_KEY } from '../../src/store/level/format/keys.js'
import { maskedCrc } from '../../src/store/level/leveldb/crc32c.js'
import { recordsOf } from '../../src/store/level/leveldb/log-file.js'

const BLOCK = 32_768
const HEADER = 7
/** The key is put. Its two bytes alone may stand in any checksum. */
const SYNCED_PUT = Buffer.concat([Buffer.of(1, SYNCED_KEY.length), SYNCED_KEY])

/** The only log of a directory: its name, its bytes, and its records, each with the changes of one group. */
export async function readLog(
  directory: string,
): Promise<{ name: string; bytes: Buffer; records: LogGroup[] }> {
  const [name = '', another] = (await readdir(directory)).filter((each) => each.endsWith('.log'))
  if (name === '' || another !== undefined) throw new Error('there is more than one log, or none')
  const bytes = await readFile(join(directory, name))
  const starts = [...recordsOf(bytes)]
  const records = starts.map(({ offset, payload }, index) => ({
    offset,
    end: starts[index + 1]?.offset ?? bytes.length,
    payload,
    isSynced: payload.includes(SYNCED_PUT),
  }))
  return { name, bytes, records }
}

export interface LogGroup {
  readonly offset: number
  readonly end: number
  readonly payload: Buffer
  /** It was fsynced: what it added was acknowledged after that. */
  readonly isSynced: boolean
}

export async function writeLog(directory: string, name: string, records: readonly LogGroup[]): Promise<void> {
  const pieces: Buffer[] = []
  let at = 0
  const append = (piece: Buffer) => {
    pieces.push(piece)
    at += piece.length
  }
  for (const { payload } of records) {
    let done = 0
    do {
      const left = BLOCK - (at % BLOCK)
      if (left < HEADER) append(Buffer.alloc(left))
      const length = Math.min(payload.length - done, BLOCK - (at % BLOCK) - HEADER)
      const isLast = done + length === payload.length
      const piece = Buffer.alloc(HEADER + length)
      piece.writeUInt16LE(length, 4)
      piece[6] = done === 0 ? (isLast ? 1 : 2) : isLast ? 4 : 3
      payload.copy(piece, HEADER, done)
      piece.writeUInt32LE(maskedCrc(piece, 6, piece.length), 0)
      append(piece)
      done += length
    } while (done < payload.length)
  }
  await writeFile(join(directory, name), Buffer.concat(pieces))
}
