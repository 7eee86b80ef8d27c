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
import { CHUNK_OF_JOBS, JobList, listedAt, listedIn, NAMED_JOB, offsetsOf } from './retention-entry.js'

export interface PruningParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
}

/** Deletes so many jobs of one index entry. */
interface Cut {
  readonly count: number
  put(batch: Batch): void
}

/** Where so many jobs are kept, there may be a tenth more for a while: they are deleted in batches, not with every outcome. */
const LARGE_COUNT = 1000
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

  /** Whether some state has so many more jobs than it keeps that it is time to prune. */
  get isDue(): boolean {
    return FINISHED_STATES.some((state) => this.#excessOf(state) > this.#slackOf(state))
  }

  /**
   * Deletes the jobs that are too many or too old. Unless `isExact`, it does not split an index entry to remove an excess that the
   * slack allows. Must not run twice at once.
   */
  async prune(now: number, isExact = true): Promise<void> {
    for (const state of FINISHED_STATES) {
      const slack = isExact ? 0 : this.#slackOf(state)
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
      const cut = await this.#cut(state, key, jobs, limit - deleted, lane)
      if (cut.count > 0) await this.#commits.append((batch) => cut.put(batch))
      deleted += cut.count
    }
    return deleted
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
    if (excess === 0 && age === Number.POSITIVE_INFINITY) return false
    const disorder = this.#disorder
    if (excess === 0 && !(await this.#hasOlder(state, now - age))) return false
    const entries = await this.#oldest(state)
    const cuts: Cut[] = []
    let last: Buffer | undefined
    let isWhole = true
    for (const [key, jobs] of entries) {
      const many = finishedAtOf(key) < now - age ? Number.POSITIVE_INFINITY : excess
      if (many === 0 || (many <= slack && many < listedIn(jobs))) break
      const cut = await this.#cut(state, key, jobs, many)
      excess = Math.max(0, excess - cut.count)
      cuts.push(cut)
      last = key
      isWhole = many >= listedIn(jobs)
    }
    if (!last) return false
    // Unless an entry before them has come meanwhile.
    if (this.#disorder === disorder) this.#first.set(state, last)
    if (isWhole && this.#ahead.get(state) === entries) this.#ahead.set(state, entries.slice(cuts.length))
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

  /** What deletes up to so many jobs of one index entry, and the entry when none is left. */
  async #cut(state: FinishedState, key: Buffer, jobs: Buffer, most: number, lane?: number): Promise<Cut> {
    const group = groupOf(key)
    const deleted = new Map<number, number>()
    const changed: { key: Buffer; value: Buffer | undefined }[] = []
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
      changed.push({
        key: kind === CHUNK_OF_JOBS ? completedChunkKey(place, group) : jobKey(state, place),
        value:
          leaving < listed
            ? (await this.#chunks.without(place, group, (_job, index) => index < leaving)).value
            : undefined,
      })
    }
    changed.push({ key, value: rest.length > 0 ? rest.take() : undefined })
    for (const name of await this.#nameKeysOf(state, named)) changed.push({ key: name, value: undefined })
    return {
      count,
      put: (batch) => {
        for (const each of changed) batch.set(each.key, each.value)
        for (const [number, leaving] of deleted) this.#counters.add(number, state, -leaving)
      },
    }
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
