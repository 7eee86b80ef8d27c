/**
 * Finished jobs: recorded as the retention says, and deleted when they are too many or too old.
 *
 * The jobs that finish in one group share one entry of the retention index, which lists them; each job's record names that
 * entry. So keeping a job costs one put and one delete more, not three.
 */
import { FINISHED_STATES, type FinishedState, type Head, type Place, type StoredJob } from '../../job.js'
import type { Retention } from '../store.js'
import {
  finishedAtOf,
  finishedKey,
  ID_BYTES,
  jobKey,
  nameKey,
  rangeOf,
  readPlace,
  writePlace,
} from './keys.js'
import type { Ledger } from './ledger.js'
import { encodeRecord, headOf } from './record.js'
import { type Entry, Window } from './window.js'
import type { Batch, Database, Snapshot, Writer } from './writer.js'

/** Each listed job: id:12, and 1 if it has an idempotency key to delete along with it. */
const LISTED_BYTES = ID_BYTES + 1

interface IndexEntry extends Entry {
  readonly jobs: Buffer
}

/** What to put into a group, and what to do once it is written. */
export interface Change {
  put(batch: Batch): void
  after(): void
}

/** The index entry of the group that is being gathered. */
interface Finishing {
  readonly at: number
  readonly group: number
  readonly jobs: JobList
}

const WINDOW_ENTRIES = 512
const WINDOW_BYTES = 4 * 1024 * 1024

export class Retainer {
  readonly #db: Database
  readonly #writer: Writer
  readonly #ledger: Ledger
  readonly #retention: Retention
  readonly #windows: Record<FinishedState, Window<IndexEntry>>
  readonly #finishing = new Map<FinishedState, Finishing>()

  constructor(
    db: Database,
    writer: Writer,
    ledger: Ledger,
    retention: Retention,
    onError: (error: unknown) => void,
  ) {
    this.#db = db
    this.#writer = writer
    this.#ledger = ledger
    this.#retention = retention
    const windowOf = (state: FinishedState) =>
      new Window<IndexEntry>(
        {
          read: async (after, limit) => {
            const range = after ? { ...indexRange(state), gt: after, gte: undefined } : indexRange(state)
            const found = await readEntries(db, range, limit)
            return {
              entries: found.entries.map(([key, jobs]) => ({ key, jobs, bytes: key.length + jobs.length })),
              isLast: found.isLast,
            }
          },
          between: (look) => writer.between(look),
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

  /** Records a finished job, or deletes its key where such jobs are not kept. Its waiting record is the caller's to delete. */
  finish(
    batch: Batch,
    state: FinishedState,
    { place, head, enqueuedAt, body }: Omit<StoredJob, 'state'>,
    { attempt = 0, startedAt = 0 }: Pick<Head, 'attempt' | 'startedAt'> = head,
  ): void {
    if (!this.keeps(state)) {
      if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
      return
    }
    let finishing = this.#finishing.get(state)
    if (!finishing) {
      finishing = { at: Date.now(), group: this.#ledger.next(), jobs: new JobList() }
      this.#finishing.set(state, finishing)
    }
    const { at: finishedAt, group } = finishing
    const end = { attempt, startedAt: Math.trunc(startedAt), finishedAt, group }
    batch.put(jobKey(state, place), encodeRecord(enqueuedAt, head, body, end))
    finishing.jobs.push(place, head.key !== undefined)
    this.#ledger.add(place.lane, state, 1)
  }

  /** Adds the group's index entries to it. Returns what to do once it is written. */
  seal(batch: Batch): (() => void) | undefined {
    if (this.#finishing.size === 0) return undefined
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

  /** Takes a finished job out of the index: it is about to be deleted, or to run again. */
  async unlist(state: FinishedState, place: Place, head: Readonly<Head>): Promise<Change> {
    const key = finishedKey(state, head.finishedAt ?? 0, head.group ?? 0)
    const jobs = (await this.#db.get(key)) ?? Buffer.alloc(0)
    const own = writePlace(Buffer.allocUnsafe(ID_BYTES), place, 0)
    const others = new JobList()
    for (const at of offsetsOf(jobs)) if (own.compare(jobs, at, at + ID_BYTES) !== 0) others.copy(jobs, at)
    return this.#relist(state, key, others.take())
  }

  /** Whether some state has more jobs than it keeps. */
  get isOverfull(): boolean {
    return FINISHED_STATES.some((state) => this.#ledger.total(state) > this.#retention[state].count)
  }

  /** Deletes what is too much or too old. Not to be called again before it is done. */
  async prune(now: number): Promise<void> {
    for (const state of FINISHED_STATES) {
      const { count, age } = this.#retention[state]
      for (let entry = this.#windows[state].peek(); entry; entry = this.#windows[state].peek()) {
        const excess = Math.max(0, this.#ledger.total(state) - count)
        const many = finishedAtOf(entry.key) < now - age ? Number.POSITIVE_INFINITY : excess
        if (many === 0) break
        await this.#delete(state, entry.key, entry.jobs, (_at, chosen) => chosen < many)
      }
    }
  }

  /** Deletes jobs that finished before `before`, the oldest first. Returns how many. */
  async clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    let deleted = 0
    const lt = finishedKey(state, Math.max(0, before), 0)
    for await (const [key, jobs] of this.#db.iterator({ ...indexRange(state), lt })) {
      if (deleted >= limit) break
      deleted += await this.#delete(
        state,
        key,
        jobs,
        (at, chosen) => chosen < limit - deleted && (lane === undefined || readPlace(jobs, at).lane === lane),
      )
    }
    return deleted
  }

  /** Deletes the chosen jobs of one index entry, and the entry when none is left. */
  async #delete(
    state: FinishedState,
    key: Buffer,
    jobs: Buffer,
    choose: (at: number, chosen: number) => boolean,
  ): Promise<number> {
    const places: Place[] = []
    const named: Place[] = []
    const rest = new JobList()
    for (const at of offsetsOf(jobs)) {
      if (!choose(at, places.length)) {
        rest.copy(jobs, at)
        continue
      }
      const place = readPlace(jobs, at)
      places.push(place)
      if (jobs[at + ID_BYTES] === 1) named.push(place)
    }
    if (places.length === 0) return 0
    const records = named.length > 0 ? await this.#db.getMany(named.map((place) => jobKey(state, place))) : []
    const { put, after } = this.#relist(state, key, rest.take())
    await this.#writer.append(
      (batch) => {
        for (const place of places) {
          batch.del(jobKey(state, place))
          this.#ledger.add(place.lane, state, -1)
        }
        named.forEach(({ lane }, at) => {
          const record = records[at]
          const name = record && headOf(record).key
          if (name !== undefined) batch.del(nameKey(lane, name))
        })
        put(batch)
      },
      { after },
    )
    return places.length
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

function indexRange(state: FinishedState): { gte: Buffer; lt: Buffer } {
  return rangeOf(finishedKey(state, 0, 0).subarray(0, 2))
}

/** An index entry's list, growing. */
export class JobList {
  #bytes = Buffer.allocUnsafe(64 * LISTED_BYTES)
  #length = 0

  push(place: Place, hasKey: boolean): void {
    const at = this.#grow()
    writePlace(this.#bytes, place, at)
    this.#bytes[at + ID_BYTES] = hasKey ? 1 : 0
  }

  copy(jobs: Buffer, at: number): void {
    const to = this.#grow()
    jobs.copy(this.#bytes, to, at, at + LISTED_BYTES)
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Makes room for one more. Returns where. */
  #grow(): number {
    const at = this.#length
    this.#length += LISTED_BYTES
    if (this.#length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length)
    return at
  }
}

/** Where each job of a list begins. */
function* offsetsOf(jobs: Buffer): Generator<number> {
  for (let at = 0; at < jobs.length; at += LISTED_BYTES) yield at
}

/** Reads a range's first entries, up to a number and about so many bytes. */
export async function readEntries(
  db: Database,
  range: { gte?: Buffer | undefined; gt?: Buffer; lt: Buffer },
  limit: { entries: number; bytes: number },
  snapshot?: Snapshot,
): Promise<{ entries: [Buffer, Buffer][]; isLast: boolean }> {
  const { gte, gt, lt } = range
  const iterator = db.iterator({
    ...(gt ? { gt } : gte && { gte }),
    lt,
    ...(snapshot && { snapshot }),
    fillCache: false,
    highWaterMarkBytes: 1 << 20,
  })
  try {
    const entries: [Buffer, Buffer][] = []
    let bytes = 0
    while (entries.length < limit.entries && bytes < limit.bytes) {
      const more = await iterator.nextv(Math.min(limit.entries - entries.length, 1000))
      if (more.length === 0) return { entries, isLast: true }
      for (const entry of more) {
        entries.push(entry)
        bytes += entry[1].byteLength
      }
    }
    return { entries, isLast: false }
  } finally {
    await iterator.close()
  }
}
