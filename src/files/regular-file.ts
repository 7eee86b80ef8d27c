/** Reads and writes regular files that are there. A link is not followed, and a pipe does not keep the process waiting. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'

// Windows knows neither.
const { O_RDONLY, O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

/** Opens a file that is there, to read it or to change it. @throws an error of the system, or one that names what it is. */
export async function openRegular(path: string, purpose: 'read' | 'change'): Promise<FileHandle> {
  if (!(await lstat(path)).isFile()) throw new Error(`${path} is no regular file`)
  // Another user may have put something else there in between, if the directory was trusted.
  const file = await open(path, (purpose === 'read' ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The bytes of a file. Throws as `openRegular` does. */
export async function readRegular(path: string): Promise<Buffer> {
  const file = await openRegular(path, 'read')
  return file.readFile().finally(() => file.close())
}

/** Cuts a file off, durably. Throws as `openRegular` does. */
export async function cutRegular(path: string, length: number): Promise<void> {
  const file = await openRegular(path, 'change')
  try {
    await file.truncate(length)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Has the system write out what it has of a file. Throws as `openRegular` does. */
export async function syncRegular(path: string): Promise<void> {
  const file = await openRegular(path, 'change')
  await file.sync().finally(() => file.close())
}
