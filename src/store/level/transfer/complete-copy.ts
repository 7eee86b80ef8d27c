/** What makes a directory that was filled a queue: not before all that is in it is on disk. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../../files/directories.js'
import { syncRegular } from '../../../files/regular-file.js'

/** Makes all that was written into a directory durable. LevelDB syncs the log that it writes to, not those before it. */
export async function makeDurable(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isFile()) await syncRegular(join(directory, entry.name))
  await syncDirectory(directory)
}
