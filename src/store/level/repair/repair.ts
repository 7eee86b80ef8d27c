/**
 * Saves what can be saved of a damaged directory.
 *
 * 1. Damage that checksums show is made plain in the logs and tables, since LevelDB's repair does not look at them and would
 *    take changed bytes for jobs.
 * 2. LevelDB's repair makes a new manifest over the tables and logs that are there.
 * 3. What millrace derives from the jobs is rebuilt.
 *
 * Until that is done no queue opens the directory; a repair that was cut short is begun again.
 */
import { StoreError } from '../../../errors/directory-errors.js'
import { MillraceError } from '../../../errors/errors.js'
import { assertSafe, type TrustOptions } from '../../../files/ownership.js'
import type { JobCounts } from '../../../job/job.js'
import { forgetLengths } from '../directory/clean-shutdown.js'
import { openDatabase } from '../directory/directory.js'
import { loadLevel } from '../directory/load-level.js'
import { endRepair, hold, lockForRepair } from '../directory/lock.js'
import { assertQueue, writeMarker } from '../directory/new-directory.js'
import { rebuild } from '../rebuild/rebuild.js'
import { fenceFiles, giveBack, syncFiles } from './damaged-files.js'

/** What a repair has saved. */
export interface Repaired {
  /** How many jobs there are now, in each state. */
  readonly jobs: JobCounts
  /** How many entries could not be read, and were dropped. What was lost with damaged bytes cannot be counted. */
  readonly dropped: number
  /** The files in which damage was found. As they were they are kept in the directory `lost`, with `.damaged` added. */
  readonly files: readonly string[]
}

/**
 * @throws {NotAQueueError} it is no queue, as far as can be seen. @throws {UnsafeDirectoryError} others own or can write it.
 * @throws {LockedError} it is open. @throws {FormatError} a newer version wrote it. @throws {StoreError} it cannot be read or written.
 */
export async function repairDirectory(directory: string, trust: TrustOptions = {}): Promise<Repaired> {
  await assertQueue(directory, 'repaired')
  return hold(directory, async (letGo) => {
    const owner = await assertSafe(directory, trust)
    const { unlock } = await lockForRepair(directory)
    let files: string[]
    try {
      files = await fenceFiles(directory)
      await repairDatabase(directory)
      // LevelDB does not sync what it has put together.
      await syncFiles(directory)
      await writeMarker(directory)
    } finally {
      await unlock()
    }
    const db = await openDatabase(directory)
    try {
      const { counts, dropped } = await rebuild(db)
      await forgetLengths(directory)
      // Still locked: another repair cannot have begun.
      await endRepair(directory)
      return { jobs: { ...counts, running: 0 }, dropped, files }
    } finally {
      await db.close()
      await giveBack(directory, owner)
      letGo()
    }
  }).catch((error: unknown) => {
    throw error instanceof MillraceError ? error : new StoreError(`repairing ${directory}`, error, false)
  })
}

async function repairDatabase(directory: string): Promise<void> {
  // The types of `level` do not say that in Node.js it is ClassicLevel, which has this.
  const Level = await loadLevel()
  await (Level as unknown as { repair(location: string): Promise<void> }).repair(directory)
}
