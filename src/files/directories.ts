/** Makes directories and makes their entries durable. */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What only the owner may enter. */
export const PRIVATE_DIRECTORY = 0o700

/**
 * Makes a directory that only the owner may enter, and those above it that are missing. Returns those that were made, the topmost
 * first. Node.js's own way hides why it failed: it says that the directory does not exist where it may not be made.
 */
export async function makeDirectory(directory: string, mode = PRIVATE_DIRECTORY): Promise<string[]> {
  try {
    await mkdir(directory, { mode })
    return [directory]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return []
    if (code !== 'ENOENT' || dirname(directory) === directory) throw error
    const above = await makeDirectory(dirname(directory), mode)
    await mkdir(directory, { mode })
    return [...above, directory]
  }
}

/** Gives a directory these permissions, where the system has permissions. */
export async function setMode(directory: string, mode: number): Promise<void> {
  if (process.platform !== 'win32') await chmod(directory, mode)
}

/** Makes a directory's new entries survive a power cut. Not every system lets one open a directory, nor needs it. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
