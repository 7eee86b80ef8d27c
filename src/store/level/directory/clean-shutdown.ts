/**
 * A note of how long the logs were when the directory was closed. LevelDB's logs say themselves where damage is, but not that
 * their end is missing: that looks like what a power cut leaves. Logs only grow, so a note holds for as long as its log is there.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../../../files/new-file.js'
import { openRegular, readRegular } from '../../../files/regular-file.js'
import { BLOCK, hasEndAt } from '../leveldb/log-file.js'

const CLOSED = 'CLOSED'

/** Notes the logs of a directory to which nothing is being written, once they are on disk. Their names must be so already. */
export async function noteClosed(directory: string): Promise<void> {
  let note = ''
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.log')) continue
    const length = await wholeLength(join(directory, name))
    if (length !== undefined) note += `${name} ${length}\n`
  }
  // If the note is lost or torn, just nothing is known.
  await writeWhole(join(directory, CLOSED), note, { durable: false })
}

/** Forgets the lengths of logs that are gone. */
export function forgetLengths(directory: string): Promise<void> {
  return rm(join(directory, CLOSED), { force: true })
}

/** How long each log was at least, as far as is known. */
export async function notedLengths(directory: string): Promise<Map<string, number>> {
  const note = await readRegular(join(directory, CLOSED)).then(String, () => '')
  const lines = [...note.matchAll(/^(\d+\.log) (\d{1,15})\n/gm)]
  return new Map(lines.map(([, name = '', length]) => [name, Number(length)]))
}

/** The length of a log that is on disk from then on; `undefined` if a write that failed has left its end torn. */
async function wholeLength(path: string): Promise<number | undefined> {
  const log = await openRegular(path, 'change')
  try {
    const { size } = await log.stat()
    await log.sync()
    const start = size === 0 ? 0 : Math.floor((size - 1) / BLOCK) * BLOCK
    const { buffer } = await log.read(Buffer.alloc(size - start), 0, size - start, start)
    return size === 0 || hasEndAt(buffer, buffer.length, 0) ? size : undefined
  } finally {
    await log.close()
  }
}
