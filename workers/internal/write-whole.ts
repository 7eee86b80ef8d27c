/** Writes a file so that it is there whole or not at all, whenever the process ends. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeOutputDirectorySync } from '../../src/files/directories.js'
import { writeWholeSync } from '../../src/files/new-file.js'

/**
 * Writes the file beside its place and moves it there, making its folder if needed. What is made from a file that not everybody may
 * read is not open to more users than that.
 */
export function writeWhole(file: string, bytes: Uint8Array, source: string): void {
  makeOutputDirectorySync(dirname(file))
  writeWholeSync(file, bytes, { mode: statSync(source).mode & 0o666 })
}
