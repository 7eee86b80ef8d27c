/** What a repair does to the files of a directory. Those that have damage are kept, as they were, in the subdirectory `lost`. */
import type { Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, moveFile, syncDirectory } from '../../../files/directories.js'
import { createFile, writeWhole } from '../../../files/new-file.js'
import { assertSafe, giveContents } from '../../../files/ownership.js'
import { readRegular, syncRegular } from '../../../files/regular-file.js'
import { notedLengths } from '../directory/clean-shutdown.js'
import { LOCK } from '../directory/lock.js'
import { fenceDamage } from '../leveldb/log-file.js'
import { damagedBlocks, fence } from '../leveldb/table-file.js'

const LOST = 'lost'

/** Makes damage plain in each log and table. Returns the names of those that have some. */
export async function fenceFiles(directory: string): Promise<string[]> {
  const lost = join(directory, LOST)
  await makeDirectory(lost)
  // Whose it is does not matter: nobody else can reach it through a directory that is safe.
  await assertSafe(lost, { trustDirectory: true })
  const noted = await notedLengths(directory)
  const damaged: string[] = []
  for (const name of await readdir(directory)) {
    if (!/^\d+\.(log|ldb|sst)$/.test(name)) continue
    const path = join(directory, name)
    const bytes = await readRegular(path)
    const original = Buffer.from(bytes)
    const isLog = name.endsWith('.log')
    const blocks = isLog ? [] : damagedBlocks(bytes)
    const isCut = isLog && bytes.length < (noted.get(name) ?? 0)
    const fences = isLog ? fenceDamage(bytes) : blocks?.length
    if (fences === 0 && !isCut) continue
    damaged.push(name)
    const kept = await freeName(join(lost, `${name}.damaged`))
    if (!blocks) {
      await moveFile(path, kept)
      continue
    }
    for (const block of blocks) fence(bytes, block)
    const mode = (await stat(path)).mode & 0o777
    await createFile(kept, original, { mode })
    await writeWhole(path, bytes, { mode })
  }
  return damaged
}

/** Makes all that stands in the directory durable. */
export async function syncFiles(directory: string): Promise<void> {
  // To open and close the lock would end it.
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isFile() && entry.name !== LOCK) await syncRegular(join(directory, entry.name))
  await syncDirectory(directory)
}

/** Gives what this process has made to the owner of the directory, if that is somebody else: he could not open it otherwise. */
export async function giveBack(directory: string, owner: Stats): Promise<void> {
  await giveContents(directory, owner)
  await giveContents(join(directory, LOST), owner)
}

/** An earlier repair may have kept a file of this name. */
async function freeName(path: string): Promise<string> {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}-${count}`
    const isTaken = await lstat(name).then(
      () => true,
      () => false,
    )
    if (!isTaken) return name
  }
}
