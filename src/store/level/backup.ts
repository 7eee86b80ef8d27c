/**
 * Copies an open queue, as it is at one moment, into a directory of its own. What is in transit is so in the copy too, so that
 * opening that recovers it. The marker comes last, when all else is on disk: until then the target is no queue.
 */
import { mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Level } from 'level'
import { BackupError } from '../../errors/directory-errors.js'
import { ClosedError } from '../../errors/errors.js'
import type { JobState } from '../../job/job.js'
import type { BackedUp } from '../store.js'
import { syncDirectory } from './directory/crash-cleanup.js'
import { hold, writeMarker } from './directory/directory.js'
import { jobsIn } from './format/chunk.js'
import { countLeft } from './format/chunk-bitmap.js'
import { CHUNK, COMPLETED_CHUNK, LEFT, PREFIX, SYNCED_KEY } from './format/keys.js'
import type { Database, Snapshot } from './group-commit.js'

const JOB_PREFIXES: ReadonlySet<string> = new Set(
  Object.keys(PREFIX).map((state) => PREFIX[state as JobState]),
)
/** Memory: so much, and the job that goes beyond it, twice. */
const CHUNK_BYTES = 1024 * 1024

/** @throws {BackupError} the target is not empty, or cannot be written. @throws {ClosedError} `isStopped` became true. */
export async function backUp(
  db: Database,
  snapshot: Snapshot,
  target: string,
  isStopped: () => boolean,
): Promise<BackedUp> {
  const failed = (error: unknown): never => {
    throw new BackupError(target, error)
  }
  const names = await mkdir(target, { recursive: true })
    .then(() => readdir(target))
    .catch(failed)
  if (names.length > 0) throw new BackupError(target, `it holds something (${names.slice(0, 3).join(', ')})`)
  return hold(target, async (letGo) => {
    const copy: Database = new Level<Buffer, Buffer>(target, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      errorIfExists: true,
    })
    await copy.open().catch(failed)
    try {
      const copied = await copyAll(db, snapshot, copy, isStopped, failed)
      await copy.close()
      await makeDurable(target).catch(failed)
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

/** LevelDB syncs the log that it writes to, not those before it. */
async function makeDurable(target: string): Promise<void> {
  for (const name of await readdir(target)) {
    const file = await open(join(target, name), 'r+')
    await file.sync().finally(() => file.close())
  }
  await syncDirectory(target)
  await writeMarker(target)
  await syncDirectory(dirname(target))
}

/** Not in the types of `level`, which are those of every kind of it. */
function destroy(target: string): Promise<void> {
  return (Level as unknown as { destroy(location: string): Promise<void> }).destroy(target)
}
