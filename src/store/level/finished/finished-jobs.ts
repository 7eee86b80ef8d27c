/**
 * Finished jobs: recorded as the retention says, and deleted when they are too many or too old.
 *
 * The jobs that finish in one group share one entry of the retention index, which lists them; each job's record names that
 * entry. Small ones that complete together are stored as chunks, and listed as such.
 */

import { UNDEFINED } from '../../../codec/codec.js'
import {
  FINISHED_STATES,
  type FinishedState,
  type Head,
  type Place,
  type StoredJob,
} from '../../../job/job.js'
import type { Retention } from '../../store.js'
import { BYTE_ORDER, type Entry, Window } from '../backlog/window.js'
import type { Counters } from '../counters.js'
import { type Limit, type Read, readEntries } from '../format/bounded-read.js'
import type { Chunk } from '../format/chunk.js'
import {
  completedChunkKey,
  finishedAtOf,
  finishedKey,
  groupOf,
  ID_BYTES,
  jobKey,
  nameKey,
  rangeOf,
  writePlace,
} from '../format/keys.js'
import { headOf, partsOf, recordOf, sizeOf } from '../format/record.js'
import type { Batch, Database, GroupCommit, Snapshot } from '../group-commit.js'
import { CompletedChunks } from './completed-chunks.js'
import { CHUNK_OF_JOBS, JOB, JobList, listedAt, listedIn, NAMED_JOB, offsetsOf } from './retention-entry.js'

interface IndexEntry extends Entry {
  readonly jobs: Buffer
}

/** What to put into a group, and what to do once it is written. */
export interface Change {
  put(batch: Batch): void
  after(): void
}

/** Takes so many jobs out. */
interface Cut extends Change {
  readonly count: number
}

/** The index entry of the group that is being gathered. */
interface Finishing {
  readonly at: number
  readonly group: number
  readonly jobs: JobList
}

/** Where so many jobs are kept, there may be a tenth more for a while: they are deleted by and by, not with every outcome. */
const LARGE_COUNT = 1000
/** How many index entries are cut in one group. */
const CUT_AT_ONCE = 64

const WINDOW_ENTRIES = 512
const WINDOW_BYTES = 4 * 1024 * 1024

export class FinishedJobs {
  readonly #db: Database
  readonly #commits: GroupCommit
  readonly #counters: Counters
  readonly #retention: Retention
  readonly #keptInputBytes: number
  readonly #windows: Record<FinishedState, Window<IndexEntry>>
  readonly #finishing = new Map<FinishedState, Finishing>()
  readonly #chunks: CompletedChunks

  constructor(
    db: Database,
    commits: GroupCommit,
    counters: Counters,
    retention: Retention,
    /** The largest input that is kept with a completed job. */
    keptInputBytes: number,
    onError: (error: unknown) => void,
  ) {
    this.#db = db
    this.#commits = commits
    this.#counters = counters
    this.#retention = retention
    this.#keptInputBytes = keptInputBytes
    this.#chunks = new CompletedChunks(db)
    const windowOf = (state: FinishedState) =>
      new Window<IndexEntry>(
        {
          order: BYTE_ORDER,
          read: async (after, limit) => {
            const range = after ? { ...indexRange(state), gt: after, gte: undefined } : indexRange(state)
            const found = await readEntries(db, range, limit)
            return {
              entries: found.entries.map(([key, jobs]) => ({ key, jobs, bytes: key.length + jobs.length })),
              isLast: found.isLast,
            }
          },
          between: (look) => commits.between(look),
          isFree: () => true,
          filled: () => {},
          failed: onError,
        },
        WINDOW_ENTRIES,
        WINDOW_BYTES,
      )
    this.#windows = {
      completed: windowOf('completed'),
      failed: windowOf('failed'),
      cancelled: windowOf('cancelled'),
    }
  }

  async load(): Promise<void> {
    await Promise.all(FINISHED_STATES.map((state) => this.#windows[state].fill()))
  }

  /** Whether jobs of this state are kept at all. */
  keeps(state: FinishedState): boolean {
    const { count, age } = this.#retention[state]
    return count > 0 && age > 0
  }

  /**
   * Records a finished job, or deletes its key where such jobs are not kept. Its waiting record is the caller's to delete.
   * A job that has completed and was in a chunk of the backlog may go into one again; `input` is kept with it unless it is too
   * large.
   */
  finish(
    batch: Batch,
    state: FinishedState,
    { place, head, enqueuedAt, body, input }: Omit<StoredJob, 'state'>,
    { attempt = 0, startedAt = 0 }: Pick<Head, 'attempt' | 'startedAt'> = head,
    chunk?: Chunk,
  ): void {
    if (!this.keeps(state)) {
      if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
      return
    }
    let finishing = this.#finishing.get(state)
    if (!finishing) {
      finishing = { at: Date.now(), group: this.#counters.next(), jobs: new JobList() }
      this.#finishing.set(state, finishing)
    }
    const { at: finishedAt, group } = finishing
    const end = { attempt, startedAt: Math.trunc(startedAt), finishedAt, group }
    this.#counters.add(place.lane, state, 1)
    const isNamed = head.key !== undefined
    const kept = input && this.#keepsInput(input) ? input : undefined
    const parts = partsOf(place, enqueuedAt, head, body, end, kept)
    if (chunk && !isNamed && this.#chunks.add(chunk, parts)) return
    batch.put(jobKey(state, place), recordOf(parts, sizeOf(parts)))
    finishing.jobs.push(place, isNamed ? NAMED_JOB : JOB, 1)
  }

  /** An `undefined` needs no keeping. */
  #keepsInput(input: Uint8Array): boolean {
    const { byteLength } = input
    return byteLength <= this.#keptInputBytes && (byteLength > 1 || input[0] !== UNDEFINED[0])
  }

  /** Adds the group's index entries to it. Returns what to do once it is written. */
  seal(batch: Batch): (() => void) | undefined {
    if (this.#finishing.size === 0) return undefined
    const completed = this.#finishing.get('completed')
    for (const { place, isChunk, count } of completed ? this.#chunks.seal(batch, completed.group) : [])
      completed?.jobs.push(place, isChunk ? CHUNK_OF_JOBS : JOB, count)
    const entries = [...this.#finishing].map(([state, { at, group, jobs }]) => {
      const key = finishedKey(state, at, group)
      const value = jobs.take()
      batch.put(key, value)
      return { state, entry: { key, jobs: value, bytes: key.length + value.length } }
    })
    this.#finishing.clear()
    return () => {
      for (const { state, entry } of entries) this.#windows[state].insert(entry)
    }
  }

  /** Takes a finished job out of the index, and of its chunk: it is about to be deleted, or to run again. */
  async unlist(state: FinishedState, place: Place, head: Readonly<Head>): Promise<Change> {
    const key = finishedKey(state, head.finishedAt ?? 0, head.group ?? 0)
    const jobs = (await this.#db.get(key)) ?? Buffer.alloc(0)
    const own = writePlace(Buffer.allocUnsafe(ID_BYTES), place, 0)
    const others = new JobList()
    let rest: ((batch: Batch) => void) | undefined
    for (const at of offsetsOf(jobs)) {
      const { place: first, kind, count } = listedAt(jobs, at)
      const group = head.group ?? 0
      if (kind !== CHUNK_OF_JOBS) {
        if (own.compare(jobs, at, at + ID_BYTES) !== 0) others.copy(jobs, at)
      } else if (!rest && (await this.#chunks.holds(first, group, place))) {
        rest = await this.#shortened(first, group, ({ seq }) => seq === place.seq)
        if (count > 1) others.push(first, kind, count - 1)
      } else others.copy(jobs, at)
    }
    const { put, after } = this.#relist(state, key, others.take())
    return {
      put: (batch) => {
        put(batch)
        rest?.(batch)
      },
      after,
    }
  }

  /** Has jobs leave a chunk of completed ones. */
  async #shortened(
    place: Place,
    group: number,
    leaves: (job: Place, index: number) => boolean,
  ): Promise<(batch: Batch) => void> {
    const value = await this.#chunks.without(place, group, leaves)
    const key = completedChunkKey(place, group)
    return (batch) => {
      if (value) batch.put(key, value)
      else batch.del(key)
    }
  }

  /** A completed job that is in a chunk. */
  getChunked(place: Place, snapshot: Snapshot): Promise<StoredJob | undefined> {
    return this.#chunks.get(place, snapshot)
  }

  /** Completed jobs that are in chunks, see `CompletedChunks.read`. */
  readChunked(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<StoredJob>> {
    return this.#chunks.read(lane, after, limit, snapshot)
  }

  /** Whether some state has so many more jobs than it keeps that it is time to prune. */
  get isOverfull(): boolean {
    return FINISHED_STATES.some((state) => this.#excessOf(state) > this.#slackOf(state))
  }

  /**
   * Deletes what is too much or too old; unless `isExact`, no part of what finished together for as few as there is slack for. Not
   * to be called again before it is done.
   */
  async prune(now: number, isExact = true): Promise<void> {
    for (const state of FINISHED_STATES) {
      const slack = isExact ? 0 : this.#slackOf(state)
      while (await this.#pruneSome(state, now, slack)) {
        // Some at a time.
      }
    }
  }

  #excessOf(state: FinishedState): number {
    return Math.max(0, this.#counters.total(state) - this.#retention[state].count)
  }

  #slackOf(state: FinishedState): number {
    const { count } = this.#retention[state]
    return count < LARGE_COUNT ? 0 : Math.floor(count / 10)
  }

  async #pruneSome(state: FinishedState, now: number, slack: number): Promise<boolean> {
    const { age } = this.#retention[state]
    let excess = this.#excessOf(state)
    const cuts: Cut[] = []
    for (const { key, jobs } of firstOf(this.#windows[state], CUT_AT_ONCE)) {
      const many = finishedAtOf(key) < now - age ? Number.POSITIVE_INFINITY : excess
      if (many === 0 || (many <= slack && many < listedIn(jobs))) break
      const cut = await this.#cut(state, key, jobs, many)
      excess = Math.max(0, excess - cut.count)
      cuts.push(cut)
    }
    if (cuts.length === 0) return false
    await this.#write(cuts)
    return true
  }

  /** Deletes jobs that finished before `before`, the oldest first. Returns how many. */
  async clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    let deleted = 0
    const lt = finishedKey(state, Math.max(0, before), 0)
    for await (const [key, jobs] of this.#db.iterator({ ...indexRange(state), lt })) {
      if (deleted >= limit) break
      const cut = await this.#cut(state, key, jobs, limit - deleted, lane)
      if (cut.count > 0) await this.#write([cut])
      deleted += cut.count
    }
    return deleted
  }

  /** What deletes up to so many jobs of one index entry, and the entry when none is left. */
  async #cut(state: FinishedState, key: Buffer, jobs: Buffer, most: number, lane?: number): Promise<Cut> {
    const group = groupOf(key)
    const deleted = new Map<number, number>()
    const puts: ((batch: Batch) => void)[] = []
    const named: Place[] = []
    const rest = new JobList()
    let count = 0
    for (const at of offsetsOf(jobs)) {
      const { place, kind, count: listed } = listedAt(jobs, at)
      const leaving = lane === undefined || place.lane === lane ? Math.min(listed, most - count) : 0
      if (leaving < listed) rest.push(place, kind, listed - leaving)
      if (leaving === 0) continue
      count += leaving
      deleted.set(place.lane, (deleted.get(place.lane) ?? 0) + leaving)
      if (kind === NAMED_JOB) named.push(place)
      if (leaving < listed) puts.push(await this.#shortened(place, group, (_job, index) => index < leaving))
      else {
        const jobsKey = kind === CHUNK_OF_JOBS ? completedChunkKey(place, group) : jobKey(state, place)
        puts.push((batch) => batch.del(jobsKey))
      }
    }
    const nameKeys = await this.#nameKeysOf(state, named)
    const { put, after } = this.#relist(state, key, rest.take())
    return {
      count,
      put: (batch) => {
        for (const each of puts) each(batch)
        for (const [number, leaving] of deleted) this.#counters.add(number, state, -leaving)
        for (const nameKey of nameKeys) batch.del(nameKey)
        put(batch)
      },
      after,
    }
  }

  /** The keys of these jobs' idempotency keys. Their records, which may be large, are let go of at once. */
  async #nameKeysOf(state: FinishedState, places: readonly Place[]): Promise<Buffer[]> {
    if (places.length === 0) return []
    const records = await this.#db.getMany(places.map((place) => jobKey(state, place)))
    return places.flatMap(({ lane }, at) => {
      const record = records[at]
      const name = record && headOf(record).key
      return name === undefined ? [] : [nameKey(lane, name)]
    })
  }

  async #write(cuts: readonly Cut[]): Promise<void> {
    await this.#commits.append(
      (batch) => {
        for (const { put } of cuts) put(batch)
      },
      {
        after: () => {
          for (const { after } of cuts) after()
        },
      },
    )
  }

  /** Leaves just these jobs in an index entry; none deletes it. */
  #relist(state: FinishedState, key: Buffer, jobs: Buffer): Change {
    return {
      put: (batch) => {
        if (jobs.length > 0) batch.put(key, jobs)
        else batch.del(key)
      },
      after: () => {
        this.#windows[state].remove(key)
        if (jobs.length > 0) this.#windows[state].insert({ key, jobs, bytes: key.length + jobs.length })
      },
    }
  }
}

function firstOf<T>(all: Iterable<T>, most: number): T[] {
  const first: T[] = []
  for (const each of all) {
    if (first.length === most) break
    first.push(each)
  }
  return first
}

function indexRange(state: FinishedState): { gte: Buffer; lt: Buffer } {
  return rangeOf(finishedKey(state, 0, 0).subarray(0, 2))
}
