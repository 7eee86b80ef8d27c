/** Whether an open directory is still where it was. The system lets one write to files that have been deleted, and says nothing. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LOCK } from './lock.js'

/** How often the directory is checked, in ms. If it is deleted, at most the jobs acknowledged in that time are lost. */
const LOOK_EVERY_MS = 1000

/** Looks when it is called, if it has not looked for a second. Rejects if the directory is gone or another one is there. */
export type AssertThere = () => Promise<void> | undefined

/** The lock of the directory, which no other process replaces, stands for it. */
export async function watchOver(directory: string): Promise<AssertThere> {
  const path = join(directory, LOCK)
  const { dev, ino } = await stat(path)
  let lookedAt = performance.now()
  const look = async () => {
    const found = await stat(path)
    if (found.dev !== dev || found.ino !== ino) throw new Error(`${directory} has been replaced by another`)
  }
  return () => {
    const now = performance.now()
    if (now - lookedAt < LOOK_EVERY_MS) return undefined
    lookedAt = now
    return look()
  }
}
