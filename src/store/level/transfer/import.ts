/**
 * Fills a new directory with jobs from elsewhere. Their records are written as they would stand in a queue, then everything that is
 * derived from jobs is made as after a repair.
 *
 * ```
 *  empty ──IMPORT written──▶ being filled ──all on disk: IMPORT renamed to MILLRACE──▶ a queue
 *                             ▲        │
 *                             └────────┘  killed: the next import begins again
 * ```
 */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../../../errors/directory-errors.js'
import { MillraceError } from '../../../errors/errors.js'
import { moveFile, syncDirectory } from '../../../files/directories.js'
import { writeWhole } from '../../../files/new-file.js'
import { assertSafe, type TrustOptions } from '../../../files/ownership.js'
import type { JobCounts, Place, StoredJob } from '../../../job/job.js'
import { BatchedWrites } from '../batched-writes.js'
import { encodeLane } from '../counters.js'
import { loadLevel } from '../directory/load-level.js'
import { hold, isLocked, lockedError } from '../directory/lock.js'
import { MARKER, MARKER_TEXT, makeEmpty } from '../directory/new-directory.js'
import { jobKey, laneKey } from '../format/keys.js'
import { encodeRecord } from '../format/record.js'
import type { Database } from '../group-commit.js'
import { rebuild } from '../rebuild/rebuild.js'
import { makeDurable } from './complete-copy.js'

/** There while a directory is being filled. */
const IMPORT = 'IMPORT'

/** What is imported: the tasks in the order of their lanes, then the jobs. */
export interface Imported {
  readonly tasks: readonly string[]
  readonly jobs: AsyncIterable<StoredJob>
}

/**
 * Gives how many jobs there are now in each state. After a crash the same call begins again.
 *
 * @throws {NotAQueueError} the directory holds something. @throws {UnsafeDirectoryError} others own or can write it.
 * @throws {LockedError} another import is under way. @throws {StoreError} it cannot be written. What `jobs` throws is thrown as it is.
 */
export async function importJobs(
  directory: string,
  { tasks, jobs }: Imported,
  trust: TrustOptions = {},
): Promise<JobCounts> {
  let fault: unknown
  async function* source(): AsyncGenerator<StoredJob> {
    try {
      yield* jobs
    } catch (error) {
      fault = error
      throw error
    }
  }
  try {
    await beginImport(directory, trust)
    return await hold(directory, async (letGo) => {
      const db = await openDatabase(directory)
      try {
        // What an import that was cut short has left.
        await db.clear()
        await writeJobs(db, tasks, source())
        const { counts } = await rebuild(db)
        await db.close()
        await makeDurable(directory)
        await moveFile(join(directory, IMPORT), join(directory, MARKER))
        await syncDirectory(directory)
        return { ...counts, running: 0 }
      } finally {
        await db.close()
        letGo()
      }
    })
  } catch (error) {
    if (error instanceof MillraceError || error === fault) throw error
    throw new StoreError(`importing into ${directory}`, error, false)
  }
}

async function beginImport(directory: string, trust: TrustOptions): Promise<void> {
  const names: string[] = await readdir(directory).catch(() => [])
  if (names.includes(IMPORT)) {
    await assertSafe(directory, trust)
    return
  }
  const made = await makeEmpty(directory, trust)
  await writeWhole(join(directory, IMPORT), MARKER_TEXT)
  await syncDirectory(directory)
  for (const each of made) await syncDirectory(dirname(each))
}

async function openDatabase(directory: string): Promise<Database> {
  const Level = await loadLevel()
  const db: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await db.open().catch(async (error: Error) => {
    throw isLocked(error) ? await lockedError(directory, error) : (error.cause ?? error)
  })
  return db
}

async function writeJobs(
  db: Database,
  tasks: readonly string[],
  jobs: AsyncIterable<StoredJob>,
): Promise<void> {
  const writes = new BatchedWrites(db)
  for (const [lane, task] of tasks.entries()) await writes.put(laneKey(lane), encodeLane(lane, task))
  for await (const job of jobs) await writes.put(jobKey(job.state, job.place), recordOf(job))
  await writes.flush()
}

function recordOf({ place, state, enqueuedAt, head, body, input }: StoredJob): Buffer {
  if (state === 'waiting' || state === 'delayed') return encodeRecord(place, enqueuedAt, head, body)
  const { attempt = 0, startedAt = 0, finishedAt = enqueuedAt } = head
  const end = { attempt, startedAt, finishedAt, group: groupOf(place, head.group) }
  return encodeRecord(place, enqueuedAt, head, body, end, input)
}

/** Where a finished job stands in the retention index. */
function groupOf({ seq }: Place, group: number | undefined): number {
  return group ?? seq
}
