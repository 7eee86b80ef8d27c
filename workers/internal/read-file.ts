/** Reads files that a job names. What is no regular file is refused: a pipe or a device may never end, nor let itself be stopped. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { UnrecoverableError } from '../../src/worker.js'

// Windows does not know it.
const { O_RDONLY, O_NONBLOCK = 0 } = constants

export interface OpenFile {
  readonly descriptor: number
  readonly bytes: number
  /** Its permissions, for what is made of it. */
  readonly mode: number
}

/** Has `read` work on an open file, and closes it. @throws {UnrecoverableError} it is no regular file. */
export function withFile<T>(path: string, read: (file: OpenFile) => T): T {
  // Opening may have effects already, of a tape for example.
  if (!statSync(path).isFile()) throw notRegular(path)
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    const found = fstatSync(descriptor)
    if (!found.isFile()) throw notRegular(path)
    return read({ descriptor, bytes: found.size, mode: found.mode & 0o666 })
  } finally {
    closeSync(descriptor)
  }
}

/** All of a file, with its permissions. Throws as `withFile` does. */
export function readWhole(path: string): { content: Buffer; mode: number } {
  return withFile(path, ({ descriptor, mode }) => ({ content: readFileSync(descriptor), mode }))
}

function notRegular(path: string): UnrecoverableError {
  return new UnrecoverableError(`${path} is no regular file`)
}
