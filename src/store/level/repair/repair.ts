/**
 * Saves what can be saved of a damaged directory.
 *
 * 1. Damage that checksums show is made plain in the logs and tables, since LevelDB's repair does not look at them and would
 *    take changed bytes for jobs.
 * 2. LevelDB's repair makes a new manifest over the tables and logs that are there.
 * 3. What millrace derives from the jobs is made anew.
 *
 * Until that is done a file REPAIR keeps the directory from being opened; a repair that was cut short is begun again.
 */
import { copyFile, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { StoreError } from '../../../errors/directory-errors.js'
import { MillraceError } from '../../../errors/errors.js'
import type { JobCounts } from '../../../job/job.js'
import { notedLengths } from '../directory/clean-shutdown.js'
import { syncDirectory } from '../directory/crash-cleanup.js'
import { repairing } from '../directory/directory.js'
import { fenceDamage } from '../directory/log-file.js'
import { damagedBlocks, fence } from '../directory/table-file.js'
import { rebuild } from './rebuild.js'

/** What a repair has saved. */
export interface Repaired {
  /** How many jobs there are now, in each state. */
  readonly jobs: JobCounts
  /** How many entries could not be read, and were dropped. What was lost with damaged bytes cannot be counted. */
  readonly dropped: number
  /** The files in which damage was found. As they were they are kept in the directory `lost`, with `.damaged` added. */
  readonly files: readonly string[]
}

const LOST = 'lost'

/** Throws as `repairing` does, and `FormatError`. */
export async function repairDirectory(directory: string): Promise<Repaired> {
  let files: string[] = []
  const { counts, dropped } = await repairing(
    directory,
    async () => {
      files = await fenceFiles(directory)
      await repairDatabase(directory)
      // LevelDB does not sync what it has put together.
      await syncFiles(directory)
    },
    rebuild,
  ).catch((error: unknown) => {
    throw error instanceof MillraceError ? error : new StoreError(`repairing ${directory}`, error, false)
  })
  return { jobs: { ...counts, running: 0 }, dropped, files }
}

/** Makes damage plain in each log and table. Returns the names of those that have some. */
async function fenceFiles(directory: string): Promise<string[]> {
  await mkdir(join(directory, LOST), { recursive: true })
  const noted = await notedLengths(directory)
  const damaged: string[] = []
  for (const name of await readdir(directory)) {
    if (!/\.(log|ldb|sst)$/.test(name)) continue
    const bytes = await readFile(join(directory, name))
    const isLog = name.endsWith('.log')
    const blocks = isLog ? [] : damagedBlocks(bytes)
    const isCut = isLog && bytes.length < (noted.get(name) ?? 0)
    const fences = isLog ? fenceDamage(bytes) : blocks?.length
    if (fences === 0 && !isCut) continue
    damaged.push(name)
    const original = await freeName(join(directory, LOST, `${name}.damaged`))
    if (!blocks) {
      await rename(join(directory, name), original)
      continue
    }
    for (const block of blocks) fence(bytes, block)
    await copyFile(join(directory, name), original)
    await replace(join(directory, name), bytes)
  }
  return damaged
}

/** An earlier repair may have kept a file of this name. */
async function freeName(path: string): Promise<string> {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}-${count}`
    const isTaken = await stat(name).then(
      () => true,
      () => false,
    )
    if (!isTaken) return name
  }
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  const file = await open(`${path}.new`, 'w')
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
  await rename(`${path}.new`, path)
}

function repairDatabase(directory: string): Promise<void> {
  // The types of `level` do not say that in Node.js it is ClassicLevel, which has this.
  return (Level as unknown as { repair(location: string): Promise<void> }).repair(directory)
}

async function syncFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = await open(join(directory, entry.name), 'r+')
    await file.sync()
    await file.close()
  }
  await syncDirectory(directory)
}
