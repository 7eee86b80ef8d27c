/** Makes directories, makes their entries durable, and changes the names in them. */
import { mkdirSync } from 'node:fs'
import { chmod, link, mkdir, open, rename } from 'node:fs/promises'
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

/** Makes a directory for files of the user's, with the permissions that the umask gives, and those above it that are missing. */
export function makeOutputDirectorySync(directory: string): void {
  mkdirSync(directory, { recursive: true })
}

/** Moves a file to a name that nothing has. Both names must be in directories that are safe. */
export function moveFile(from: string, to: string): Promise<void> {
  return rename(from, to)
}

/** Gives a file a second name. Fails with EEXIST if something has it. */
export function linkFile(path: string, second: string): Promise<void> {
  return link(path, second)
}
