/** What millrace does to a directory before and after LevelDB opens it, so that nothing is lost on the way. */
import { open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import type { Database } from '../group-commit.js'
import { rebuild } from '../repair/rebuild.js'
import { inspect } from './inspection.js'

/** There while what is derived from the jobs has to be made anew. */
const REBUILD = 'REBUILD'

/**
 * Cuts off what a power cut has left torn. Where something is to be done, `assertFree` is called first: what another process
 * is writing right now looks torn too. Gives the tables that count, the oldest first.
 *
 * @throws {CorruptError} the files are damaged.
 */
export async function mend(directory: string, assertFree: () => Promise<void>): Promise<readonly string[]> {
  // Listed before it is known to be free: a file that is written from then on is not among these.
  const names = await readdir(directory)
  const seen = await inspect(directory, names).catch(() => undefined)
  if (seen && seen.cuts.length === 0 && !seen.isUnmade && !seen.hasGap) return seen.tables
  await assertFree()
  const { cuts, isUnmade, hasGap, tables } = await inspect(directory, names)
  if (hasGap) {
    // The gap will not be seen again once LevelDB has read the logs.
    await (await open(join(directory, REBUILD), 'w')).close()
    await syncDirectory(directory)
  }
  for (const { name, length } of cuts) {
    const file = await open(join(directory, name), 'r+')
    await file.truncate(length)
    await file.sync()
    await file.close()
  }
  if (isUnmade) await unlink(join(directory, 'CURRENT'))
  return tables
}

/** Makes anew what is derived from the jobs, if `mend` has found that writes are missing. */
export async function completeMending(directory: string, db: Database): Promise<void> {
  const path = join(directory, REBUILD)
  const flag = await open(path, 'r').catch(() => undefined)
  if (!flag) return
  await flag.close()
  await rebuild(db)
  await unlink(path)
  await syncDirectory(directory)
}

/** Whether LevelDB's lock on a directory can be had. Opens nothing and changes nothing. */
export async function isFree(directory: string): Promise<boolean> {
  const probe = new Level(directory)
  const error: unknown = await probe
    .open({ createIfMissing: false, errorIfExists: true })
    .catch((thrown) => thrown)
  return !isLocked(error)
}

export function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return (cause as { code?: unknown } | undefined)?.code === 'LEVEL_LOCKED'
}

/** Makes a directory's new entries survive a power cut. Not every system lets one open a directory, nor needs it. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
