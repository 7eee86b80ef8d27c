/**
 * A queue's directory: a marker file that says whose it is, a note of who has it open, and LevelDB's own files.
 *
 * LevelDB holds the lock, and the system drops it when the process dies, however it dies.
 */
import type { Stats } from 'node:fs'
import { access, mkdir, open, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Level } from 'level'
import {
  CorruptError,
  FormatError,
  LockedError,
  NotAQueueError,
  StoreError,
} from '../../../errors/directory-errors.js'
import { DamagedError, MillraceError } from '../../../errors/errors.js'
import { FORMAT, FORMAT_KEY } from '../format/keys.js'
import type { Database } from '../group-commit.js'
import { CLOSED, noteClosed } from './clean-shutdown.js'
import { completeMending, isFree, isLocked, mend, syncDirectory } from './crash-cleanup.js'
import { TableCheck } from './table-check.js'

const MARKER = 'MILLRACE'
const OWNER = 'OWNER'
/** LevelDB's own. */
const LOCK = 'LOCK'
/** Whoever deletes a directory loses no more than what was acknowledged for so long. */
const LOOK_EVERY_MS = 1000
/** There while a repair is under way. */
const REPAIR = 'REPAIR'
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
  return hold(directory, async (letGo) => {
    if (await exists(join(directory, REPAIR)))
      throw new CorruptError(directory, 'a repair of it has not been completed')
    const failed = (error: unknown): never => {
      throw explainOpening(directory, error)
    }
    const names = await mend(directory, () => assertFree(directory)).catch(failed)
    const tables = new TableCheck(directory, names)
    if (names.length > 0) {
      // What another process has open is its own to check.
      await assertFree(directory)
      await tables.checkFirst().catch(failed)
    }
    const db = await openDatabase(directory)
    return {
      db,
      onDamage: (tell) => tables.checkRest(tell),
      assertThere: watchOver(directory, await stat(join(directory, LOCK))),
      close: async () => {
        await tables.stop()
        // Before another process can write: what it has just begun would look torn.
        await syncDirectory(directory)
          .then(() => noteClosed(directory))
          .catch(() => {})
        await db.close().finally(letGo)
      },
      explain: (error) => explain(directory, error, () => new StoreError('reading the directory', error)),
    }
  })
}

/**
 * Has `repair` work on the files of a directory that is not open, and `use` on what is in it then. If that is interrupted, the
 * directory cannot be opened until it is done again.
 *
 * @throws {NotAQueueError} it is no queue, as far as can be seen. @throws {LockedError} it is open.
 */
export async function repairing<T>(
  directory: string,
  repair: () => Promise<void>,
  use: (db: Database) => Promise<T>,
): Promise<T> {
  const names = await namesIn(directory)
  if (!names?.some((name) => name === MARKER || name === OWNER))
    throw new NotAQueueError(directory, 'is no queue that could be repaired')
  return hold(directory, async (letGo) => {
    await assertFree(directory)
    await beginRepair(directory)
    await repair()
    await writeMarker(directory)
    const db = await openDatabase(directory)
    const result = await use(db).finally(() => db.close())
    // The logs that this is about are gone.
    await rm(join(directory, CLOSED), { force: true })
    await rm(join(directory, REPAIR))
    await syncDirectory(directory)
    letGo()
    return result
  })
}

/** An open directory, and how to release it. */
export interface OpenDirectory {
  readonly db: Database
  /** Tells of damage that is found later. */
  onDamage(tell: (error: unknown) => void): void
  /**
   * Looks, now and then, whether the directory is still where it was: the system lets one write to files that have been deleted, and
   * says nothing. Rejects if it is not. `undefined` most times: it has looked just before.
   */
  readonly assertThere: () => Promise<void> | undefined
  close(): Promise<void>
  /** What an error of the database means: damage, or a failing disk. Other errors are given back. */
  explain(error: unknown): Error
}

/** The directories that this process has open. */
const openHere = new Set<string>()

/** Keeps others in this process out until `letGo`, or until `work` fails. */
export async function hold<T>(directory: string, work: (letGo: () => void) => Promise<T>): Promise<T> {
  // LevelDB would notice a second open in this process, but in doing so drop the lock that keeps other processes out: it
  // closes a descriptor of the lock file, and with that POSIX ends every lock of the process on it.
  const path = await realpath(directory)
  if (openHere.has(path)) throw new LockedError(directory, process.pid, undefined)
  openHere.add(path)
  const letGo = () => {
    openHere.delete(path)
  }
  try {
    return await work(letGo)
  } catch (error) {
    letGo()
    throw error
  }
}

async function assertFree(directory: string): Promise<void> {
  if (!(await isFree(directory))) throw new LockedError(directory, await ownerOf(directory), undefined)
}

/** LevelDB's repair takes no lock: a file keeps the directory from being opened, or repaired by two. */
async function beginRepair(directory: string): Promise<void> {
  const path = join(directory, REPAIR)
  const pid = await pidIn(path)
  if (pid !== undefined && pid !== process.pid && isAlive(pid))
    throw new LockedError(directory, pid, undefined)
  await writeFile(path, `${process.pid}\n`)
  await syncDirectory(directory)
}

async function openDatabase(directory: string): Promise<Database> {
  const db: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open().catch(async (error: unknown) => {
    throw isLocked(error)
      ? new LockedError(directory, await ownerOf(directory), error)
      : explainOpening(directory, error instanceof Error ? (error.cause ?? error) : error)
  })
  try {
    // LevelDB has renamed a file to CURRENT, but made only older names durable. Without this one nothing else is found.
    await syncDirectory(directory)
    await checkFormat(db, directory)
    await completeMending(directory, db)
    await writeFile(join(directory, OWNER), `${process.pid}\n`)
  } catch (error) {
    await db.close()
    throw explainOpening(directory, error)
  }
  return db
}

/** Its lock, which no other process replaces, stands for the directory. */
function watchOver(directory: string, { dev, ino }: Stats): OpenDirectory['assertThere'] {
  const path = join(directory, LOCK)
  let lookedAt = performance.now()
  const look = async () => {
    const found = await stat(path)
    if (found.dev !== dev || found.ino !== ino) throw new Error(`${directory} has been replaced by another`)
  }
  return () => {
    const now = performance.now()
    if (now - lookedAt < LOOK_EVERY_MS) return undefined
    lookedAt = now
    return look()
  }
}

function explainOpening(directory: string, error: unknown): Error {
  return explain(directory, error, () => new StoreError(`opening ${directory}`, error, false))
}

function explain(directory: string, error: unknown, otherwise: () => Error): Error {
  // Of a single job that is its own trouble; where this comes from several are unreadable.
  if (error instanceof DamagedError)
    return new CorruptError(directory, `jobs cannot be read (${error.cause})`, { cause: error })
  if (error instanceof MillraceError) return error
  const { code, message } = error as { code?: unknown; message?: string }
  if (code === 'LEVEL_CORRUPTION') return new CorruptError(directory, String(message), { cause: error })
  return otherwise()
}

async function namesIn(directory: string): Promise<string[] | undefined> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    if (error.code === 'ENOTDIR') throw new NotAQueueError(directory, 'is not a directory', { cause: error })
    throw new StoreError(`reading ${directory}`, error, false)
  })
}

async function mark(directory: string): Promise<void> {
  const names = await namesIn(directory)
  if (names?.includes(MARKER)) return
  if (names?.includes(OWNER)) throw new CorruptError(directory, `its file ${MARKER} is missing`)
  if (names && names.length > 0)
    throw new NotAQueueError(directory, `holds something else (${names.slice(0, 3).join(', ')})`)
  try {
    const first = await make(directory)
    await writeMarker(directory)
    // Each directory that was made has its name in the one above.
    for (let made = directory; first !== undefined && made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made))
  } catch (error) {
    throw new StoreError(`making ${directory}`, error, false)
  }
}

/**
 * Makes a directory, and those above it that are missing. Returns the topmost that was made. Node.js's own way hides why it
 * failed: it says that the directory does not exist where it may not be made.
 */
async function make(directory: string): Promise<string | undefined> {
  try {
    await mkdir(directory)
    return directory
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return undefined
    if (code !== 'ENOENT' || dirname(directory) === directory) throw error
    const first = await make(dirname(directory))
    await mkdir(directory)
    return first ?? directory
  }
}

/** Makes a directory a queue. */
export async function writeMarker(directory: string): Promise<void> {
  const marker = await open(join(directory, MARKER), 'w')
  await marker.writeFile(MARKER_TEXT)
  await marker.sync()
  await marker.close()
  await syncDirectory(directory)
}

async function checkFormat(db: Database, directory: string): Promise<void> {
  const found = await db.get(FORMAT_KEY)
  if (found === undefined) await db.put(FORMAT_KEY, Buffer.of(FORMAT), { sync: true })
  else if (found.length !== 1 || found[0] !== FORMAT)
    throw new FormatError(directory, found[0] ?? 'unknown', FORMAT)
}

function ownerOf(directory: string): Promise<number | undefined> {
  return pidIn(join(directory, OWNER))
}

async function pidIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
