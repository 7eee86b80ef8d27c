/**
 * Copies an open queue, as it is at one moment, into a directory of its own. What is in transit is so in the copy too, so that
 * opening that recovers it. The marker comes last, when all else is on disk: until then the target is no queue.
 */
import { dirname } from 'node:path'
import { BackupError, UnsafeDirectoryError } from '../../../errors/directory-errors.js'
import { ClosedError } from '../../../errors/errors.js'
import { syncDirectory } from '../../../files/directories.js'
import type { TrustOptions } from '../../../files/ownership.js'
import type { JobState } from '../../../job/job.js'
import type { BackedUp } from '../../store.js'
import { loadLevel } from '../directory/load-level.js'
import { hold } from '../directory/lock.js'
import { makeEmpty, modeOf, writeMarker } from '../directory/new-directory.js'
import { jobsIn } from '../format/chunk.js'
import { countLeft } from '../format/chunk-bitmap.js'
import { CHUNK, COMPLETED_CHUNK, LEFT, PREFIX, SYNCED_KEY } from '../format/keys.js'
import type { Database, Snapshot } from '../group-commit.js'
import { makeDurable } from './complete-copy.js'

const JOB_PREFIXES: ReadonlySet<string> = new Set(
  Object.keys(PREFIX).map((state) => PREFIX[state as JobState]),
)
/** Memory: so much, and the job that goes beyond it, twice. */
const CHUNK_BYTES = 1024 * 1024

export interface BackupPlaces {
  /** The queue's own directory. */
  readonly source: string
  readonly target: string
  readonly trust: TrustOptions
}

/** @throws {BackupError} the target is not empty, or cannot be written. @throws {ClosedError} `isStopped` became true. */
export async function backUp(
  db: Database,
  snapshot: Snapshot,
  { source, target, trust }: BackupPlaces,
  isStopped: () => boolean,
): Promise<BackedUp> {
  const failed = (error: unknown): never => {
    throw error instanceof UnsafeDirectoryError ? error : new BackupError(target, error)
  }
  // A backup is never more open than its source.
  const made = await modeOf(source)
    .then((mode) => makeEmpty(target, trust, mode))
    .catch(failed)
  return hold(target, async (letGo) => {
    const Level = await loadLevel()
    const copy: Database = new Level<Buffer, Buffer>(target, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      errorIfExists: true,
    })
    await copy.open().catch(failed)
    try {
      const copied = await copyAll(db, snapshot, copy, isStopped, failed)
      await copy.close()
      await makeQueue(target, made).catch(failed)
      letGo()
      return copied
    } catch (error) {
      await copy.close()
      // Only LevelDB's own files; a disk that is full is not to stay so.
      await destroy(target).catch(() => {})
      throw error
    }
  })
}

async function copyAll(
  db: Database,
  snapshot: Snapshot,
  copy: Database,
  isStopped: () => boolean,
  failed: (error: unknown) => never,
): Promise<BackedUp> {
  let jobs = 0
  let bytes = 0
  const entries = db.iterator({ snapshot, fillCache: false, highWaterMarkBytes: CHUNK_BYTES })
  try {
    for (let chunk = await entries.nextv(1000); chunk.length > 0; chunk = await entries.nextv(1000)) {
      if (isStopped()) throw new ClosedError()
      const batch = copy.batch()
      for (const [key, value] of chunk) {
        batch.put(key, value)
        bytes += key.byteLength + value.byteLength
        jobs += jobsOf(key, value)
      }
      await batch.write().catch(failed)
    }
  } finally {
    await entries.close()
  }
  await copy.put(SYNCED_KEY, Buffer.alloc(0), { sync: true }).catch(failed)
  return { jobs, bytes }
}

/** How many more jobs there are with this entry. */
function jobsOf(key: Buffer, value: Buffer): number {
  const prefix = String.fromCharCode(key[0] ?? 0)
  if (prefix === CHUNK || prefix === COMPLETED_CHUNK) return jobsIn(value)
  if (prefix === LEFT) return -countLeft(value)
  return JOB_PREFIXES.has(prefix) ? 1 : 0
}

async function makeQueue(target: string, made: readonly string[]): Promise<void> {
  await makeDurable(target)
  await writeMarker(target)
  // Each directory that was made has its name in the one above.
  for (const directory of made) await syncDirectory(dirname(directory))
}

/** Not in the types of `level`, which are those of every kind of it. */
async function destroy(target: string): Promise<void> {
  const Level = await loadLevel()
  await (Level as unknown as { destroy(location: string): Promise<void> }).destroy(target)
}
