/**
 * Finished jobs: recorded as the retention says, and deleted when they are too many or too old.
 *
 * The jobs that finish in one group share one entry of the retention index, which lists them; each job's record names that
 * entry. So keeping a job costs one put and one delete more, not three.
 */
import { FINISHED_STATES, type FinishedState, type Head, type Place } from '../../job.js'
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
  readonly jobs: Buffer[]
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
    place: Place,
    head: Readonly<Head>,
    enqueuedAt: number,
    body: Uint8Array,
  ): void {
    if (!this.keeps(state)) {
      if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
      return
    }
    let finishing = this.#finishing.get(state)
    if (!finishing) {
      finishing = { at: Date.now(), group: this.#ledger.next(), jobs: [] }
      this.#finishing.set(state, finishing)
    }
    const finished = { ...head, finishedAt: finishing.at, group: finishing.group }
    batch.put(jobKey(state, place), encodeRecord(enqueuedAt, finished, body))
    finishing.jobs.push(listed(place, head.key !== undefined))
    this.#ledger.add(place.lane, state, 1)
  }

  /** Adds the group's index entries to it. Returns what to do once it is written. */
  seal(batch: Batch): (() => void) | undefined {
    if (this.#finishing.size === 0) return undefined
    const entries = [...this.#finishing].map(([state, { at, group, jobs }]) => {
      const key = finishedKey(state, at, group)
      const value = Buffer.concat(jobs)
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
    const jobs = await this.#db.get(key)
    const own = listed(place, false).subarray(0, ID_BYTES)
    const others = [...split(jobs ?? Buffer.alloc(0))].filter((job) => !job.subarray(0, ID_BYTES).equals(own))
    return this.#relist(state, key, Buffer.concat(others))
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
        await this.#delete(state, entry.key, entry.jobs, (_job, index) => index < many)
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
        (job, _index, chosen) =>
          chosen < limit - deleted && (lane === undefined || readPlace(job, 0).lane === lane),
      )
    }
    return deleted
  }

  /** Deletes the chosen jobs of one index entry, and the entry when none is left. */
  async #delete(
    state: FinishedState,
    key: Buffer,
    jobs: Buffer,
    choose: (job: Buffer, index: number, chosen: number) => boolean,
  ): Promise<number> {
    const doomed: Buffer[] = []
    const rest: Buffer[] = []
    let index = 0
    for (const job of split(jobs)) (choose(job, index++, doomed.length) ? doomed : rest).push(job)
    if (doomed.length === 0) return 0
    const places = doomed.map((job) => readPlace(job, 0))
    const named = places.filter((_place, at) => doomed[at]?.[ID_BYTES] === 1)
    const records = await this.#db.getMany(named.map((place) => jobKey(state, place)))
    const { put, after } = this.#relist(state, key, Buffer.concat(rest))
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

function listed(place: Place, hasKey: boolean): Buffer {
  const job = Buffer.allocUnsafe(LISTED_BYTES)
  job[ID_BYTES] = hasKey ? 1 : 0
  return writePlace(job, place, 0)
}

function* split(jobs: Buffer): Generator<Buffer> {
  for (let at = 0; at < jobs.length; at += LISTED_BYTES) yield jobs.subarray(at, at + LISTED_BYTES)
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
