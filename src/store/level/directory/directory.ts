/**
 * Opens a queue's directory: a marker file that makes it a queue, a note of who opened it last, and LevelDB's own files.
 *
 * ```
 *  safe? ─▶ a queue? (made if new) ─▶ in use? ─▶ torn ends cut off ─▶ LevelDB opens and locks ─▶ format converted ─▶ open
 * ```
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CorruptError } from '../../../errors/directory-errors.js'
import { syncDirectory } from '../../../files/directories.js'
import { isUnfinished } from '../../../files/new-file.js'
import { assertSafe, type TrustOptions } from '../../../files/ownership.js'
import type { Database } from '../group-commit.js'
import { noteClosed } from './clean-shutdown.js'
import { convert } from './conversions.js'
import { cutTornEnds, rebuildIfFlagged } from './crash-cleanup.js'
import { explainOpening, explainReading } from './explained.js'
import { loadLevel } from './load-level.js'
import { assertFree, hold, isInRepair, isLocked, lockedError, noteOwner } from './lock.js'
import { makeIfNew } from './new-directory.js'
import { type AssertThere, watchOver } from './still-there.js'
import { TableCheck } from './table-check.js'

/** An open directory, and how to release it. */
export interface OpenDirectory {
  readonly path: string
  readonly db: Database
  /** Tells of damage that is found later. */
  onDamage(tell: (error: unknown) => void): void
  readonly assertThere: AssertThere
  close(): Promise<void>
  /** What an error of the database means: damage, or a failing disk. Other errors are given back. */
  explain(error: unknown): Error
}

/**
 * Opens the directory, making it if needed.
 *
 * @throws {UnsafeDirectoryError} others own or can write it. @throws {NotAQueueError} it is a file, or holds something else.
 * @throws {LockedError} it is open already. @throws {FormatError} a newer version of millrace wrote it.
 * @throws {CorruptError} its files are damaged. @throws {StoreError} it cannot be read or written.
 */
export async function openDirectory(directory: string, trust: TrustOptions = {}): Promise<OpenDirectory> {
  await makeIfNew(directory, trust)
  return hold(directory, async (letGo) => {
    // Since it was looked at first, another process may have put something there, if the directory is trusted to others.
    await assertSafe(directory, trust)
    if (await isInRepair(directory)) {
      await assertFree(directory)
      throw new CorruptError(directory, 'a repair of it has not been completed')
    }
    const failed = (error: unknown): never => {
      throw explainOpening(directory, error)
    }
    const names = await cutTornEnds(directory, () => assertFree(directory)).catch(failed)
    const tables = new TableCheck(directory, names)
    if (names.length > 0) {
      // What another process has open is its own to check.
      await assertFree(directory)
      await tables.checkFirst().catch(failed)
    }
    const db = await openDatabase(directory)
    return {
      path: directory,
      db,
      onDamage: (tell) => tables.checkRest(tell),
      assertThere: await watchOver(directory),
      close: async () => {
        await tables.stop()
        // Before another process can write: what it has just begun would look torn.
        await syncDirectory(directory)
          .then(() => noteClosed(directory))
          .catch(() => {})
        await db.close().finally(letGo)
      },
      explain: (error) => explainReading(directory, error),
    }
  })
}

/** Opens the database, which locks it, and brings it to this version's format. Throws as `openDirectory` does. */
export async function openDatabase(directory: string): Promise<Database> {
  const Level = await loadLevel()
  const db: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open().catch(async (error: unknown) => {
    throw isLocked(error)
      ? await lockedError(directory, error)
      : explainOpening(directory, error instanceof Error ? (error.cause ?? error) : error)
  })
  try {
    // LevelDB has renamed a file to CURRENT, but made only older names durable. Without this one nothing else is found.
    await syncDirectory(directory)
    await convert(db, directory)
    await rebuildIfFlagged(directory, db)
    await removeUnfinished(directory)
    await noteOwner(directory)
  } catch (error) {
    await db.close()
    throw explainOpening(directory, error)
  }
  return db
}

/** Removes what processes have left that died while they were making a file. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (isUnfinished(name)) await rm(join(directory, name), { force: true })
}
