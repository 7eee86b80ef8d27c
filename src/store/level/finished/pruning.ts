/** The deletion of finished jobs that are too many or too old for the retention, or that the application wants to be gone. */
import { FINISHED_STATES, type FinishedState, type Place } from '../../../job/job.js'
import type { Retention } from '../../store.js'
import type { Counters } from '../counters.js'
import { readEntries } from '../format/bounded-read.js'
import {
  completedChunkKey,
  finishedAtOf,
  finishedKey,
  groupOf,
  jobKey,
  nameKey,
  rangeOf,
} from '../format/keys.js'
import { headOf } from '../format/record.js'
import type { Batch, Database, GroupCommit } from '../group-commit.js'
import type { CompletedChunks } from './completed-chunks.js'
import {
  type Amount,
  CHUNK_OF_JOBS,
  JobList,
  listedAt,
  listedIn,
  NAMED_JOB,
  offsetsOf,
} from './retention-entry.js'

export interface PruningParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
}

/** Deletes so many jobs of one index entry, and the entry with the last of them. */
interface Cut extends Amount {
  readonly isWhole: boolean
  put(batch: Batch): void
}

/** What is left of a chunk, and what to put in its place. */
interface Left {
  readonly rest: Amount
  readonly value: Buffer | undefined
}

/**
 * Where so many jobs or bytes are kept, there may be a tenth more for a while: they are deleted in batches, not with every
 * outcome.
 */
const LARGE: Amount = { count: 1000, bytes: 1024 * 1024 }
const NOTHING: Amount = { count: 0, bytes: 0 }
const EVERYTHING: Amount = { count: Number.POSITIVE_INFINITY, bytes: 0 }
const GONE: Left = { rest: NOTHING, value: undefined }
/** How much of the index is read at a time, and cut in one group at most. */
const READ_AHEAD = { entries: 64, bytes: 256 * 1024 }

export class Pruning {
  readonly #db: Database
  readonly #commits: GroupCommit
  readonly #counters: Counters
  readonly #chunks: CompletedChunks
  readonly #retention: Retention
  /** No index entry is before this one: what was deleted leaves tombstones, which a read would walk over. */
  readonly #first = new Map<FinishedState, Buffer>()
  /** The first index entries, as they are on disk. A read costs as much for many as for one, so they are read ahead. */
  readonly #ahead = new Map<FinishedState, [Buffer, Buffer][]>()
  /** The last index entry that was written. */
  readonly #latest = new Map<FinishedState, Buffer>()
  /** How many entries were written that may be before others. */
  #disorder = 0

  constructor(parts: PruningParts, chunks: CompletedChunks, retention: Retention) {
    this.#db = parts.db
    this.#commits = parts.commits
    this.#counters = parts.counters
    this.#chunks = chunks
    this.#retention = retention
  }

  /** An index entry has been written. It is before others if the clock was set back. */
  noteEntry(state: FinishedState, key: Buffer): void {
    const latest = this.#latest.get(state)
    if (latest && key.compare(latest) > 0) {
      this.#latest.set(state, key)
      return
    }
    // What has been read, or is being read now, may lack it.
    this.#disorder++
    this.forgetRead(state)
    const first = this.#first.get(state)
    if (first && key.compare(first) < 0) this.#first.set(state, key)
    if (!latest) this.#latest.set(state, key)
  }

  /** Index entries of this state that were there before are about to change. */
  forgetRead(state: FinishedState): void {
    this.#ahead.delete(state)
  }

  /** Whether some state has so much more than it keeps that it is time to prune. */
  get isDue(): boolean {
    return FINISHED_STATES.some((state) => !isWithin(this.#excessOf(state), this.#slackOf(state)))
  }

  /**
   * Deletes the jobs that are too many or too old. Unless `isExact`, it does not split an index entry to remove an excess that the
   * slack allows. Must not run twice at once.
   */
  async prune(now: number, isExact = true): Promise<void> {
    for (const state of FINISHED_STATES) {
      const slack = isExact ? NOTHING : this.#slackOf(state)
      while (await this.#pruneSome(state, now, slack)) {
        // In batches.
      }
    }
  }

  /** Deletes jobs that finished before `before`, the oldest first. Returns how many. */
  async clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    this.forgetRead(state)
    let deleted = 0
    const lt = finishedKey(state, Math.max(0, before), 0)
    for await (const [key, jobs] of this.#db.iterator({ ...this.#rangeOf(state), lt })) {
      if (deleted >= limit) break
      const cut = await this.#cut(state, key, jobs, { count: limit - deleted, bytes: 0 }, lane)
      if (cut.count > 0) await this.#commits.append((batch) => cut.put(batch))
      deleted += cut.count
    }
    return deleted
  }

  /** How much more there is than is kept. */
  #excessOf(state: FinishedState): Amount {
    const { count, bytes } = this.#retention[state]
    const jobs = this.#counters.total(state) - count
    const size = this.#counters.bytes(state) - bytes
    return jobs <= 0 && size <= 0 ? NOTHING : { count: Math.max(0, jobs), bytes: Math.max(0, size) }
  }

  #slackOf(state: FinishedState): Amount {
    const { count, bytes } = this.#retention[state]
    return {
      count: count < LARGE.count ? 0 : Math.floor(count / 10),
      bytes: bytes < LARGE.bytes ? 0 : Math.floor(bytes / 10),
    }
  }

  async #pruneSome(state: FinishedState, now: number, slack: Amount): Promise<boolean> {
    const { age } = this.#retention[state]
    let excess = this.#excessOf(state)
    if (isWithin(excess, NOTHING) && age === Number.POSITIVE_INFINITY) return false
    const disorder = this.#disorder
    if (isWithin(excess, NOTHING) && !(await this.#hasOlder(state, now - age))) return false
    const entries = await this.#oldest(state)
    const cuts: Cut[] = []
    let last: Buffer | undefined
    for (const [key, jobs] of entries) {
      const needed = finishedAtOf(key) < now - age ? EVERYTHING : excess
      if (isWithin(needed, NOTHING) || (isWithin(needed, slack) && isLess(needed, listedIn(jobs)))) break
      const cut = await this.#cut(state, key, jobs, needed)
      excess = {
        count: Math.max(0, excess.count - cut.count),
        bytes: Math.max(0, excess.bytes - cut.bytes),
      }
      cuts.push(cut)
      last = key
    }
    if (!last) return false
    // Unless an entry before them has come meanwhile.
    if (this.#disorder === disorder) this.#first.set(state, last)
    if (cuts.at(-1)?.isWhole && this.#ahead.get(state) === entries)
      this.#ahead.set(state, entries.slice(cuts.length))
    else this.forgetRead(state)
    await this.#commits.append((batch) => {
      for (const { put } of cuts) put(batch)
    })
    return true
  }

  async #hasOlder(state: FinishedState, before: number): Promise<boolean> {
    const [oldest] = await this.#oldest(state)
    return oldest !== undefined && finishedAtOf(oldest[0]) < before
  }

  /** The first index entries of a state. */
  async #oldest(state: FinishedState): Promise<[Buffer, Buffer][]> {
    const known = this.#ahead.get(state)
    if (known && known.length > 0) return known
    const disorder = this.#disorder
    const { entries } = await readEntries(this.#db, this.#rangeOf(state), READ_AHEAD)
    if (this.#disorder === disorder) this.#ahead.set(state, entries)
    return entries
  }

  #rangeOf(state: FinishedState): { gte: Buffer; lt: Buffer } {
    const { gte, lt } = rangeOf(finishedKey(state, 0, 0).subarray(0, 2))
    return { gte: this.#first.get(state) ?? gte, lt }
  }

  /** What deletes the first jobs of one index entry, of one lane or of all: until so many, and so many bytes, are gone. */
  async #cut(state: FinishedState, key: Buffer, jobs: Buffer, needed: Amount, lane?: number): Promise<Cut> {
    const group = groupOf(key)
    const deleted: { lane: number; amount: Amount }[] = []
    const changed: { key: Buffer; value: Buffer | undefined }[] = []
    const named: Place[] = []
    const rest = new JobList()
    let count = 0
    let bytes = 0
    for (const at of offsetsOf(jobs)) {
      const listed = listedAt(jobs, at)
      const { place, kind } = listed
      if ((lane !== undefined && place.lane !== lane) || (count >= needed.count && bytes >= needed.bytes)) {
        rest.push(place, kind, listed)
        continue
      }
      const more = { count: needed.count - count, bytes: needed.bytes - bytes }
      const left = kind === CHUNK_OF_JOBS ? await this.#leftOf(place, group, listed, more) : GONE
      if (left.rest.count > 0) rest.push(place, kind, left.rest)
      const amount = { count: listed.count - left.rest.count, bytes: listed.bytes - left.rest.bytes }
      count += amount.count
      bytes += amount.bytes
      deleted.push({ lane: place.lane, amount })
      if (kind === NAMED_JOB) named.push(place)
      changed.push({
        key: kind === CHUNK_OF_JOBS ? completedChunkKey(place, group) : jobKey(state, place),
        value: left.value,
      })
    }
    const isWhole = rest.length === 0
    changed.push({ key, value: isWhole ? undefined : rest.take() })
    for (const name of await this.#nameKeysOf(state, named)) changed.push({ key: name, value: undefined })
    return {
      count,
      bytes,
      isWhole,
      put: (batch) => {
        for (const each of changed) batch.set(each.key, each.value)
        for (const { lane, amount } of deleted) this.#counters.add(lane, state, -amount.count, -amount.bytes)
      },
    }
  }

  /** What is left of a chunk when its first jobs leave it, until so many, and so many bytes, are gone. */
  async #leftOf(place: Place, group: number, listed: Amount, needed: Amount): Promise<Left> {
    if (!isLess(needed, listed)) return GONE
    let { count, bytes } = needed
    return this.#chunks.without(place, group, (_job, size) => {
      if (count <= 0 && bytes <= 0) return false
      count--
      bytes -= size
      return true
    })
  }

  /** The keys of these jobs' idempotency keys. Their records, which may be large, are dropped at once. */
  async #nameKeysOf(state: FinishedState, places: readonly Place[]): Promise<Buffer[]> {
    if (places.length === 0) return []
    const records = await this.#db.getMany(places.map((place) => jobKey(state, place)))
    return places.flatMap(({ lane }, at) => {
      const record = records[at]
      const name = record && headOf(record).key
      return name === undefined ? [] : [nameKey(lane, name)]
    })
  }
}

/** Whether neither is more. */
function isWithin(amount: Amount, bound: Amount): boolean {
  return amount.count <= bound.count && amount.bytes <= bound.bytes
}

/** Whether less than the whole is needed: fewer jobs, and fewer bytes. */
function isLess(needed: Amount, whole: Amount): boolean {
  return needed.count < whole.count && needed.bytes < whole.bytes
}
