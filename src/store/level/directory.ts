/**
 * A queue's directory: a marker file that says whose it is, a note of who has it open, and LevelDB's own files.
 *
 * LevelDB holds the lock, and the system drops it when the process dies, however it dies.
 */
import { mkdir, open, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Level } from 'level'
import { FormatError, LockedError, NotAQueueError, StoreError } from '../../errors.js'
import { FORMAT, FORMAT_KEY } from './keys.js'
import { completeMending, isFree, isLocked, mend, syncDirectory } from './mending.js'
import type { Database } from './writer.js'

const MARKER = 'MILLRACE'
const OWNER = 'OWNER'
const MARKER_TEXT =
  'This directory is a millrace job queue. Its files belong together: copy or move it whole.\n'

/**
 * Opens the directory, making it if needed.
 *
 * @throws {NotAQueueError} it is a file, or holds something else.
 * @throws {LockedError} it is open already.
 * @throws {FormatError} another version of millrace wrote it.
 * @throws {CorruptError} its files are damaged.
 * @throws {StoreError} it cannot be read or written.
 */
export async function openDirectory(directory: string): Promise<OpenDirectory> {
  await mark(directory)
  // LevelDB would notice a second open in this process, but in doing so drop the lock that keeps other processes out: it
  // closes a descriptor of the lock file, and with that POSIX ends every lock of the process on it.
  const path = await realpath(directory)
  if (openHere.has(path)) throw new LockedError(directory, process.pid, undefined)
  openHere.add(path)
  try {
    await mend(directory, async () => {
      if (!(await isFree(directory))) throw new LockedError(directory, await ownerOf(directory), undefined)
    })
    const db = await openDatabase(directory)
    return { db, close: () => db.close().finally(() => openHere.delete(path)) }
  } catch (error) {
    openHere.delete(path)
    throw error
  }
}

/** An open directory, and how to release it. */
export interface OpenDirectory {
  readonly db: Database
  close(): Promise<void>
}

/** The directories that this process has open. */
const openHere = new Set<string>()

async function openDatabase(directory: string): Promise<Database> {
  const db: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open().catch(async (error: unknown) => {
    throw isLocked(error)
      ? new LockedError(directory, await ownerOf(directory), error)
      : new StoreError(`opening ${directory}`, error instanceof Error ? (error.cause ?? error) : error)
  })
  try {
    // LevelDB has renamed a file to CURRENT, but made only older names durable. Without this one nothing else is found.
    await syncDirectory(directory)
    await checkFormat(db, directory)
    await completeMending(directory, db)
    await writeFile(join(directory, OWNER), `${process.pid}\n`)
  } catch (error) {
    await db.close()
    throw error
  }
  return db
}

async function mark(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    if (error.code === 'ENOTDIR') throw new NotAQueueError(directory, 'is not a directory', { cause: error })
    throw new StoreError(`reading ${directory}`, error)
  })
  if (names?.includes(MARKER)) return
  if (names && names.length > 0)
    throw new NotAQueueError(directory, `holds something else (${names.slice(0, 3).join(', ')})`)
  try {
    const first = await mkdir(directory, { recursive: true })
    const marker = await open(join(directory, MARKER), 'w')
    await marker.writeFile(MARKER_TEXT)
    await marker.sync()
    await marker.close()
    await syncDirectory(directory)
    // Each directory that was made has its name in the one above.
    for (let made = directory; first !== undefined && made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made))
  } catch (error) {
    throw new StoreError(`making ${directory}`, error)
  }
}

async function checkFormat(db: Database, directory: string): Promise<void> {
  const found = await db.get(FORMAT_KEY)
  if (found === undefined) await db.put(FORMAT_KEY, Buffer.of(FORMAT), { sync: true })
  else if (found.length !== 1 || found[0] !== FORMAT)
    throw new FormatError(directory, found[0] ?? 'unknown', FORMAT)
}

async function ownerOf(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, OWNER), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}
