/** The delayed jobs, in the order in which they fall due. */
import type { Place } from '../../../job/job.js'
import type { Counters } from '../counters.js'
import { readEntries } from '../format/bounded-read.js'
import { dueKey, dueSizeOf, dueValue, jobKey, placeOf, rangeOf, runAtOf } from '../format/keys.js'
import type { Batch, Database, GroupCommit } from '../group-commit.js'
import type { JobEntry } from './job-entry.js'
import type { WaitingJobs } from './waiting-jobs.js'
import { BYTE_ORDER, type Entry, Window } from './window.js'

/** A delayed job's entry in the due index. */
export interface DueEntry extends Entry {
  readonly place: Place
  /** The size of its record in bytes. */
  readonly size: number
}

export interface DelayedParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
  readonly waiting: WaitingJobs
  /** Jobs have come into the window. */
  filled(): void
  failed(error: unknown): void
}

const WINDOW_JOBS = 2048
const WINDOW_BYTES = 1024 * 1024
/** How much is promoted in one group: their records are in memory meanwhile. */
const PROMOTED_JOBS = 1000
const PROMOTED_BYTES = 8 * 1024 * 1024

export class Delayed {
  readonly #parts: DelayedParts
  readonly #due: Window<DueEntry>
  /** Jobs that are being promoted. */
  readonly #leaving = new Set<number>()

  constructor(parts: DelayedParts) {
    this.#parts = parts
    const { db, commits, filled, failed } = parts
    this.#due = new Window<DueEntry>(
      {
        order: BYTE_ORDER,
        read: async (after, limit) => {
          const range = after ? { gt: after, lt: rangeOf('t').lt } : rangeOf('t')
          const { entries, isLast } = await readEntries(db, range, limit)
          return { entries: entries.map(([key, value]) => dueEntry(key, dueSizeOf(value))), isLast }
        },
        between: (look) => commits.between(look),
        isFree: ({ place }) => !this.#leaving.has(place.seq),
        filled,
        failed,
      },
      WINDOW_JOBS,
      WINDOW_BYTES,
    )
  }

  load(): Promise<void> {
    return this.#due.fill()
  }

  /** Puts a delayed job into a group. Its entry is to be inserted once that is written. */
  put(batch: Batch, place: Place, runAt: number, record: Buffer): DueEntry {
    const entry = dueEntry(dueKey(runAt, place), record.length)
    batch.put(jobKey('delayed', place), record)
    batch.put(entry.key, dueValue(record.length))
    this.#parts.counters.add(place.lane, 'delayed', 1, record.length)
    return entry
  }

  insert(entry: DueEntry): void {
    this.#due.insert(entry)
  }

  /** A delayed job was deleted, or waits from now on. */
  drop(key: Buffer): void {
    this.#due.remove(key)
  }

  /** When the next one is due, in ms since the epoch. */
  get next(): number | undefined {
    const next = this.#due.peek()
    return next && runAtOf(next.key)
  }

  /** Moves jobs that are due at `now` to the backlog, in batches. `admit` is called once that is written. */
  async promote(now: number, admit: (jobs: readonly JobEntry[]) => void): Promise<number> {
    const { db, commits, counters, waiting } = this.#parts
    const due: DueEntry[] = []
    let bytes = 0
    for (let next = this.#due.peek(); next && runAtOf(next.key) <= now; next = this.#due.peek()) {
      bytes += next.size
      if (due.length > 0 && (due.length === PROMOTED_JOBS || bytes > PROMOTED_BYTES)) break
      this.#leaving.add(next.place.seq)
      this.#due.take()
      due.push(next)
    }
    if (due.length === 0) return 0
    const records = await db.getMany(due.map(({ place }) => jobKey('delayed', place)))
    const jobs: JobEntry[] = []
    const put = (batch: Batch) => {
      for (const { key } of due) batch.del(key)
      for (const [index, { place }] of due.entries()) {
        const record = records[index]
        if (!record) continue
        batch.del(jobKey('delayed', place))
        jobs.push(waiting.put(batch, place, record).verified())
        counters.add(place.lane, 'delayed', -1, -record.length)
        counters.add(place.lane, 'waiting', 1, record.length)
      }
    }
    const after = () => {
      for (const { place, key } of due) {
        this.#leaving.delete(place.seq)
        this.#due.forget(key)
      }
      admit(jobs)
    }
    await commits.append(put, { after })
    return jobs.length
  }
}

function dueEntry(key: Buffer, size: number): DueEntry {
  return { key, place: placeOf(key), bytes: key.byteLength, size }
}
