/** What millrace does to a directory before and after LevelDB opens it, so that nothing is lost on the way. */
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../../files/directories.js'
import { writeWhole } from '../../../files/new-file.js'
import { cutRegular } from '../../../files/regular-file.js'
import type { Database } from '../group-commit.js'
import { rebuild } from '../rebuild/rebuild.js'
import { inspect } from './inspection.js'

/** This file exists while the entries that are derived from the jobs have to be rebuilt. */
const REBUILD = 'REBUILD'

/**
 * Cuts off what a power cut has left torn. Where something is to be done, `assertFree` is called first: what another process
 * is writing right now looks torn too. Gives the tables that count, the oldest first.
 *
 * @throws {CorruptError} the files are damaged.
 */
export async function cutTornEnds(
  directory: string,
  assertFree: () => Promise<void>,
): Promise<readonly string[]> {
  // Listed before it is known to be free: a file that is written from then on is not among these.
  const names = await readdir(directory)
  const seen = await inspect(directory, names).catch(() => undefined)
  if (seen && seen.cuts.length === 0 && !seen.isUnmade && !seen.hasGap) return seen.tables
  await assertFree()
  const { cuts, isUnmade, hasGap, tables } = await inspect(directory, names)
  if (hasGap) {
    // The gap will not be seen again once LevelDB has read the logs.
    await flagRebuild(directory)
  }
  for (const { name, length } of cuts) await cutRegular(join(directory, name), length)
  if (isUnmade) await unlink(join(directory, 'CURRENT'))
  return tables
}

/** Marks the directory, so that the next process that opens it rebuilds the entries that are derived from the jobs. */
export async function flagRebuild(directory: string): Promise<void> {
  await writeWhole(join(directory, REBUILD), '')
  await syncDirectory(directory)
}

/** Rebuilds the entries that are derived from the jobs, if the directory is marked. */
export async function rebuildIfFlagged(directory: string, db: Database): Promise<void> {
  if (!(await readdir(directory)).includes(REBUILD)) return
  await rebuild(db)
  await unlink(join(directory, REBUILD))
  await syncDirectory(directory)
}
