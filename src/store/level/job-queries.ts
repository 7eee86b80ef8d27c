/** What is asked about jobs: one, a page of them, or all that is on disk at one moment. */
import { FINISHED_STATES, type JobState, type Place, type StoredJob } from '../../job/job.js'
import { type ListQuery, storedAsRunning } from '../store.js'
import { JobEntry } from './backlog/job-entry.js'
import type { Transit } from './backlog/transit.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { FinishedJobs } from './finished/finished-jobs.js'
import { type Limit, type Read, readEntries } from './format/bounded-read.js'
import { comparePlaces, jobKey, placeOf, rangeOf } from './format/keys.js'
import { decodeRecord } from './format/record.js'
import type { Database, GroupCommit, Snapshot } from './group-commit.js'

export interface JobQueriesParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly waiting: WaitingJobs
  readonly finished: FinishedJobs
  readonly transit: Transit
  /** Whether a job may wait. `false` is certain. */
  mayWait(seq: number): boolean
}

/** The states whose jobs are stored one by one, if they are not in chunks. */
const SINGLE = ['delayed', ...FINISHED_STATES] as const
const PAGE_BYTES = 64 * 1024 * 1024

/** A job that was found; a waiting one with its entry. */
export interface Found {
  readonly job: StoredJob
  /** How many bytes its record takes. */
  readonly bytes: number
  readonly entry?: JobEntry
}

export class JobQueries {
  readonly #parts: JobQueriesParts
  readonly #reading = new Set<Promise<unknown>>()

  constructor(parts: JobQueriesParts) {
    this.#parts = parts
  }

  /** Fulfilled when every read that was begun is done. */
  async quiet(): Promise<void> {
    await Promise.allSettled(this.#reading)
  }

  async get(place: Place): Promise<StoredJob | undefined> {
    const found = await this.find(place)
    return found && withOwnBody(found.job)
  }

  find(place: Place): Promise<Found | undefined> {
    const look = () => {
      const entry = this.#parts.transit.get(place.seq)
      return { running: entry && foundRunning(entry), mayWait: this.#parts.mayWait(place.seq) }
    }
    return this.#read(look, async ({ running, mayWait }, snapshot) => {
      if (running) return running
      const { db, finished, waiting } = this.#parts
      const records = await db.getMany(
        ['waiting' as const, ...SINGLE].map((state) => jobKey(state, place)),
        { snapshot },
      )
      for (const [index, state] of SINGLE.entries()) {
        const record = records[index + 1]
        if (record) return { job: decodeRecord(place, state, record), bytes: record.length }
      }
      const record = records[0]
      if (record) return foundEntry(JobEntry.single(place, record).verified())
      // What is in a chunk takes a search, which walks over what has been deleted around it.
      const [entry] = mayWait ? await waiting.get([place], snapshot) : []
      return entry ? foundEntry(entry) : finished.getChunked(place, snapshot)
    })
  }

  async list(query: ListQuery): Promise<StoredJob[]> {
    const found = await this.page(query)
    return found.map(({ job }) => job)
  }

  /** Jobs in the order of their ids. There are more, unless there are none. */
  page({ states, lane, after, limit }: ListQuery, bytes = PAGE_BYTES): Promise<Found[]> {
    const wants = (state: JobState) => !states || states.includes(state)
    const look = () => [...this.#parts.transit].map(foundRunning)
    return this.#read(look, async (transit, snapshot) => {
      const running = new Set(transit.map(({ job }) => job.place.seq))
      const found: Found[] = []
      const ends: Place[] = []
      // Running jobs are stored among the waiting ones, but known, and few.
      if (wants('running'))
        for (const each of transit) {
          const { place } = each.job
          if ((lane === undefined || place.lane === lane) && (!after || comparePlaces(place, after) > 0))
            found.push(each)
        }
      const take = ({ entries, isLast }: Read<Found>) => {
        found.push(...entries)
        // Where this state was not read to its end, the page ends, for the others too: the next one begins after it.
        const last = entries.at(-1)
        if (last && !isLast) ends.push(last.job.place)
      }
      const bounds = { entries: limit, bytes }
      if (wants('waiting')) {
        const more = { ...bounds, entries: limit + running.size }
        const { entries, isLast } = await this.#parts.waiting.read(lane, after, more, snapshot)
        take({ entries: entries.map(foundEntry), isLast })
      }
      for (const state of SINGLE.filter(wants))
        take(await this.#readSingles(state, lane, after, bounds, snapshot))
      if (wants('completed')) take(await this.#parts.finished.readChunked(lane, after, bounds, snapshot))
      const [end] = ends.sort(comparePlaces)
      return found
        .filter(({ job }) => job.state !== 'waiting' || !running.has(job.place.seq))
        .filter(({ job }) => !end || comparePlaces(job.place, end) <= 0)
        .sort((a, b) => comparePlaces(a.job.place, b.job.place))
        .slice(0, limit)
    })
  }

  async #readSingles(
    state: (typeof SINGLE)[number],
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<Found>> {
    const prefix = jobKey(state, { lane: lane ?? 0, priority: 0, seq: 0 })
    const range = rangeOf(prefix.subarray(0, lane === undefined ? 1 : 5))
    const gt = after && jobKey(state, after)
    const rest = gt && gt.compare(range.gte) >= 0 ? { gt, lt: range.lt } : range
    const { entries, isLast } = await readEntries(this.#parts.db, rest, limit, snapshot)
    return {
      entries: entries.map(([key, record]) => ({
        job: decodeRecord(placeOf(key), state, record),
        bytes: record.length,
      })),
      isLast,
    }
  }

  /** Reads the disk as it is when all is written that was changed before the call. */
  look<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    return this.#read(
      () => {},
      (_, snapshot) => read(snapshot),
    )
  }

  /**
   * Reads the disk as of a moment in which memory, which knows what runs, agrees with it: so a job on its way from one state
   * to the next is seen in exactly one of them. What was changed before the call is in it: counts, which run ahead of the
   * disk, are not contradicted.
   */
  #read<L, T>(look: () => L, read: (seen: L, snapshot: Snapshot) => Promise<T>): Promise<T> {
    const { db, commits } = this.#parts
    const result = commits.caughtUp().then(
      () =>
        new Promise<T>((resolve, reject) => {
          commits.between(() => {
            const snapshot = db.snapshot()
            read(look(), snapshot)
              .finally(() => snapshot.close())
              .then(resolve, reject)
          })
        }),
    )
    const done = () => this.#reading.delete(result)
    this.#reading.add(result)
    result.then(done, done)
    return result
  }
}

function foundEntry(entry: JobEntry): Found {
  const { place, enqueuedAt, head, body } = entry
  return { job: { place, state: 'waiting', enqueuedAt, head, body }, bytes: entry.storedBytes, entry }
}

function foundRunning(entry: JobEntry): Found {
  return { job: storedAsRunning(entry), bytes: entry.storedBytes }
}

/** A copy, so that one job of a chunk does not keep the whole chunk in memory. */
function withOwnBody(job: StoredJob): StoredJob {
  const { body, input } = job
  if (body.byteLength >= body.buffer.byteLength / 2) return job
  return { ...job, body: copyOf(body), ...(input && { input: copyOf(input) }) }
}

function copyOf(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer)
}
