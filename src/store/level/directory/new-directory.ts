/** Makes a directory a queue, or sees that it is one. Nothing is written to a directory that is not known to be safe. */
import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CorruptError, NotAQueueError, StoreError } from '../../../errors/directory-errors.js'
import { MillraceError } from '../../../errors/errors.js'
import { makeDirectory, PRIVATE_DIRECTORY, setMode, syncDirectory } from '../../../files/directories.js'
import { isUnfinished, writeWhole } from '../../../files/new-file.js'
import { assertSafe, isOpenToAll, type TrustOptions } from '../../../files/ownership.js'
import { OWNER } from './lock.js'

/** The file that makes a directory a queue. */
export const MARKER = 'MILLRACE'
export const MARKER_TEXT =
  'This directory is a millrace job queue. Its files belong together: copy or move it whole.\n'
/** What file systems, file managers and version control put into a directory that is empty otherwise. */
const IGNORED = new Set([
  'lost+found',
  '.gitkeep',
  '.gitignore',
  '.keep',
  '.DS_Store',
  '.localized',
  'Thumbs.db',
  'desktop.ini',
])

/** Directories of which this process has said that others may read them. */
const told = new Set<string>()

/**
 * Makes the directory a queue if it is new or empty.
 *
 * @throws {NotAQueueError} it is a file, or holds something else. @throws {CorruptError} its marker is missing.
 * @throws {UnsafeDirectoryError} others own or can write it. @throws {StoreError} it cannot be made.
 */
export async function makeIfNew(directory: string, trust: TrustOptions): Promise<void> {
  const names = await namesIn(directory)
  if (names?.includes(MARKER)) {
    const stats = await assertSafe(directory, trust)
    if (isOpenToAll(stats)) tellIfOpen(directory, stats)
    return
  }
  if (names?.includes(OWNER)) throw new CorruptError(directory, `its file ${MARKER} is missing`)
  assertEmpty(directory, names ?? [])
  try {
    const made = await makeEmpty(directory, trust)
    await writeMarker(directory)
    // Each directory that was made has its name in the one above.
    for (const each of made) await syncDirectory(dirname(each))
  } catch (error) {
    throw error instanceof MillraceError ? error : new StoreError(`making ${directory}`, error, false)
  }
}

/**
 * Makes a directory that is missing, or takes one that is empty. Only the owner may enter it then; its group may too, where that was
 * so before. Returns the directories that were made.
 *
 * @throws {NotAQueueError} it holds something. @throws {UnsafeDirectoryError} others own or can write it.
 */
export async function makeEmpty(directory: string, trust: TrustOptions, most = 0o777): Promise<string[]> {
  const made = await makeDirectory(directory)
  const stats = await assertSafe(directory, trust)
  assertEmpty(directory, await readdir(directory))
  const mode = isOpenToAll(stats) ? PRIVATE_DIRECTORY : stats.mode & 0o777 & (most | PRIVATE_DIRECTORY)
  // A file system may have no permissions, and a trusted directory may be another user's.
  if (mode !== (stats.mode & 0o777)) await setMode(directory, mode).catch(() => {})
  return made
}

/** Makes a directory a queue, durably. */
export async function writeMarker(directory: string): Promise<void> {
  await writeWhole(join(directory, MARKER), MARKER_TEXT)
  await syncDirectory(directory)
}

/** @throws {NotAQueueError} as far as can be seen the directory is no queue, not even a damaged one. */
export async function assertQueue(directory: string, purpose: string): Promise<void> {
  const names = await namesIn(directory)
  if (!names?.some((name) => name === MARKER || name === OWNER))
    throw new NotAQueueError(directory, `is no queue that could be ${purpose}`)
}

/** The permissions of a directory, for what is made from it. */
export async function modeOf(directory: string): Promise<number> {
  return (await stat(directory)).mode & 0o777
}

async function namesIn(directory: string): Promise<string[] | undefined> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    if (error.code === 'ENOTDIR') throw new NotAQueueError(directory, 'is not a directory', { cause: error })
    throw new StoreError(`reading ${directory}`, error, false)
  })
}

function assertEmpty(directory: string, names: readonly string[]): void {
  const strangers = names.filter((name) => !IGNORED.has(name) && !isUnfinished(name))
  if (strangers.length > 0)
    throw new NotAQueueError(directory, `holds something else (${strangers.slice(0, 3).join(', ')})`)
}

function tellIfOpen(directory: string, { mode }: Stats): void {
  if (told.has(directory)) return
  told.add(directory)
  process.emitWarning(
    `other users may read ${directory} (its mode is ${(mode & 0o777).toString(8)}), and with it what the jobs hold: run \`chmod 700\` on it`,
    { type: 'MillraceWarning', code: 'MILLRACE_READABLE' },
  )
}
