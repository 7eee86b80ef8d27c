/**
 * Keeps a directory to one process, and in that process to one queue, repair or backup.
 *
 * LevelDB locks the file LOCK, and the system drops that lock when the process dies, however it dies. LevelDB's repair takes no
 * lock. So a repair opens an empty database in a subdirectory whose LOCK is the same file under a second name:
 *
 * ```
 *  jobs/LOCK ────────────────┐
 *                            ├── one file: who opens either database locks it
 *  jobs/REPAIR/<random>/LOCK ┘
 * ```
 *
 * The file REPAIR/BEGUN says that a repair has begun. It is removed when the repair is complete; until then no queue opens the
 * directory.
 */
import { randomBytes } from 'node:crypto'
import { lstat, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LockedError } from '../../../errors/directory-errors.js'
import { linkFile, makeDirectory, syncDirectory } from '../../../files/directories.js'
import { createFile, writeWhole } from '../../../files/new-file.js'
import { readRegular } from '../../../files/regular-file.js'
import { loadLevel } from './load-level.js'

/** LevelDB's own. */
export const LOCK = 'LOCK'
/** Says which process was the last to open the directory. */
export const OWNER = 'OWNER'
const REPAIR = 'REPAIR'
const BEGUN = 'BEGUN'

/** What systems say where a file cannot have a second name. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

/** The directories that this process has open. */
const openHere = new Set<string>()

/** Keeps others in this process out until `letGo`, or until `work` fails. @throws {LockedError} it is in use here. */
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

/** @throws {LockedError} another process has the directory open. */
export async function assertFree(directory: string): Promise<void> {
  // It finds a database there, and opens nothing.
  const Level = await loadLevel()
  const probe = new Level(directory)
  const error: unknown = await probe
    .open({ createIfMissing: false, errorIfExists: true })
    .catch((thrown) => thrown)
  if (isLocked(error)) throw await lockedError(directory, undefined)
}

/** Whether an error of LevelDB's says that another process has the lock. */
export function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return (cause as { code?: unknown } | undefined)?.code === 'LEVEL_LOCKED'
}

export async function lockedError(directory: string, cause: unknown): Promise<LockedError> {
  const text = await readRegular(join(directory, OWNER)).catch(() => '')
  const pid = Number.parseInt(String(text), 10)
  // A process that had this one's number before it.
  const isKnown = pid > 0 && pid !== process.pid
  return new LockedError(directory, isKnown ? pid : undefined, cause)
}

/** Notes that this process has opened the directory. */
export function noteOwner(directory: string): Promise<void> {
  return writeWhole(join(directory, OWNER), `${process.pid}\n`, { durable: false })
}

/** Whether a repair was begun and not completed. */
export async function isInRepair(directory: string): Promise<boolean> {
  const repair = join(directory, REPAIR)
  const found = await lstat(repair).catch(() => undefined)
  // Version 0.1.0 has left a file in place of the subdirectory.
  return found !== undefined && (!found.isDirectory() || (await isThere(join(repair, BEGUN))))
}

/** Begins a repair and keeps other processes out, until `unlock`. @throws {LockedError} the directory is in use. */
export async function lockForRepair(directory: string): Promise<{ unlock(): Promise<void> }> {
  await assertFree(directory)
  const repair = join(directory, REPAIR)
  const found = await lstat(repair).catch(() => undefined)
  if (found && !found.isDirectory()) await rm(repair)
  const database = join(repair, randomBytes(8).toString('hex'))
  await makeDirectory(database)
  await linkLock(directory, database)
  const Level = await loadLevel()
  const db = new Level(database)
  await db.open().catch(async (error: unknown) => {
    throw isLocked(error) ? await lockedError(directory, error) : error
  })
  await writeWhole(join(repair, BEGUN), '')
  await syncDirectory(repair)
  await syncDirectory(directory)
  await noteOwner(directory)
  return {
    async unlock() {
      await db.close()
      await rm(database, { recursive: true })
    },
  }
}

/** Says that a repair is complete. The directory must be locked. */
export async function endRepair(directory: string): Promise<void> {
  await rm(join(directory, REPAIR), { recursive: true })
  await syncDirectory(directory)
}

async function linkLock(directory: string, database: string): Promise<void> {
  const lock = join(directory, LOCK)
  if (!(await isThere(lock))) await createFile(lock, '')
  await linkFile(lock, join(database, LOCK)).catch((error: NodeJS.ErrnoException) => {
    // A file system without second names: two repairs at once are not noticed there. REPAIR keeps queues out all the same.
    if (!NO_LINKS.has(error.code ?? '')) throw error
  })
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
