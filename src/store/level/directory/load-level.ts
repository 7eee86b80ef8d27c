/** LevelDB, loaded when it is needed and not before: where its native part is missing, `open` says so and what to do. */
import type { Level } from 'level'
import { BundledError } from '../../../errors/errors.js'

/** @throws {BundledError} its native part cannot be loaded. */
export async function loadLevel(): Promise<typeof Level> {
  try {
    return (await import('level')).Level
  } catch (cause) {
    throw new BundledError('the native part of LevelDB cannot be loaded', cause)
  }
}
