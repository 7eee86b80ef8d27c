/** Writes the file that a job makes, so that it is there whole or not at all, whenever the process ends. */
import { dirname, resolve } from 'node:path'
import { makeOutputDirectorySync } from '../../src/files/directories.js'
import { writeWholeSync } from '../../src/files/new-file.js'
import { UnrecoverableError } from '../../src/worker.js'

/**
 * Makes the folder if needed, and puts the file there in place of what was there. Several jobs may write the same file: the last one
 * counts. `mode` has its permissions, less those that the umask takes away.
 */
export function writeFile(path: string, content: Uint8Array, mode: number): void {
  makeOutputDirectorySync(dirname(path))
  writeWholeSync(path, content, { mode })
}

/** @throws {UnrecoverableError} a job would write over the file that it reads: its next attempt would read that. */
export function checkOutput(output: string, file: string): void {
  if (resolve(output) === resolve(file))
    throw new UnrecoverableError('output must be another file than the one that is read')
}
