/** The file that each thread runs. It must be a file of its own: where a bundler has made one file of millrace, there is none. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BundledError } from '../errors/errors.js'

/** Not `new URL('./…', import.meta.url)`: a bundler would take that for a file that it may copy without what it imports. */
export const THREAD_FILE = join(dirname(fileURLToPath(import.meta.url)), 'thread', 'thread.js')

/** @throws {BundledError} millrace is part of a bundle. */
export function checkThreadFile(): void {
  if (!existsSync(THREAD_FILE))
    throw new BundledError(`the file that its threads run, ${THREAD_FILE}, is not there`)
}
