/** Writes a file so that it is there whole or not at all, whenever the process ends. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes beside the file, then renames, making its folder if needed. The other name is always the same, so that a run after one
 * that was killed leaves nothing behind.
 */
export function writeWhole(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true })
  const unfinished = `${file}.tmp`
  writeFileSync(unfinished, bytes)
  renameSync(unfinished, file)
}
