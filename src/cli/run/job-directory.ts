/** The directory that the command keeps its jobs in. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory } from '../../files/directories.js'
import { createFile } from '../../files/new-file.js'

/**
 * Makes the directory if there is nothing of its name, with a `.gitignore`, so that neither git nor npm takes jobs along. Says nothing
 * if that fails: opening the queue does, and knows why.
 */
export async function makeJobDirectory(directory: string): Promise<void> {
  const isThere = await lstat(directory).then(
    () => true,
    () => false,
  )
  if (isThere) return
  await makeDirectory(directory)
    .then(() => createFile(join(directory, '.gitignore'), '*\n'))
    .catch(() => {})
}
