/**
 * What is asked about single jobs, now and then: look one up, list, cancel, retry, remove.
 *
 * Each such change reads first and writes then; they run one at a time, so that what was read still holds. They never
 * touch a job in transit, which is its scheduler's alone.
 */
import {
  FINISHED_STATES,
  type FinishedState,
  type Head,
  type JobState,
  type Place,
  type StoredJob,
} from '../../job/job.js'
import { type ListQuery, storedAsRunning } from '../store.js'
import type { JobEntry } from './backlog/job-entry.js'
import type { Transit } from './backlog/transit.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { Counters } from './counters.js'
import type { Change, FinishedJobs } from './finished/finished-jobs.js'
import { type Read, readEntries } from './format/bounded-read.js'
import { comparePlaces, dueKey, jobKey, nameKey, placeOf, rangeOf } from './format/keys.js'
import { decodeRecord, encodeRecord } from './format/record.js'
import type { Batch, Database, GroupCommit, Snapshot } from './group-commit.js'

export interface JobOperationsParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
  readonly waiting: WaitingJobs
  readonly finished: FinishedJobs
  readonly transit: Transit
  /** Keeps a waiting job from being claimed, until told that it is gone or, with its entry, back. */
  withhold(place: Place): (back?: JobEntry) => void
  dropDue(key: Buffer): void
  /** A job has joined the backlog. */
  enter(entry: JobEntry): void
  /** A job has finished, or is gone. */
  left(place: Place): void
}

/** The states whose jobs are stored one by one, if they are not in chunks. */
const SINGLE = ['delayed', ...FINISHED_STATES] as const
const LIST_BYTES = 64 * 1024 * 1024

/** A waiting job's entry, or a job in another state. */
type Found = StoredJob | { readonly entry: JobEntry }

export class JobOperations {
  readonly #parts: JobOperationsParts
  #last: Promise<unknown> = Promise.resolve()
  readonly #reading = new Set<Promise<unknown>>()

  constructor(parts: JobOperationsParts) {
    this.#parts = parts
  }

  /** Runs `change` when the ones before it are done. */
  alone<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change)
    this.#last = result.catch(() => {})
    return result
  }

  /** Fulfilled when every read and change that was begun is done. */
  async quiet(): Promise<void> {
    await this.alone(async () => {})
    await Promise.allSettled(this.#reading)
  }

  get(place: Place): Promise<StoredJob | undefined> {
    return this.#get(place).then((found) => found && withOwnBody(storedOf(found)))
  }

  /** A waiting job is given as its entry. */
  #get(place: Place): Promise<Found | undefined> {
    const look = () => {
      const entry = this.#parts.transit.get(place.seq)
      return entry && storedAsRunning(entry)
    }
    return this.#read(look, async (running, snapshot) => {
      const { db, waiting, finished } = this.#parts
      const [entry] = await waiting.get([place], snapshot)
      if (entry) return running ?? { entry }
      const records = await db.getMany(
        SINGLE.map((state) => jobKey(state, place)),
        { snapshot },
      )
      const index = records.findIndex((record) => record !== undefined)
      const record = records[index]
      const state = SINGLE[index]
      if (record && state) return decodeRecord(place, state, record)
      return finished.getChunked(place, snapshot)
    })
  }

  list(query: ListQuery): Promise<StoredJob[]> {
    const { states, lane, after, limit } = query
    const wants = (state: JobState) => !states || states.includes(state)
    const look = () => [...this.#parts.transit].map(storedAsRunning)
    return this.#read(look, async (transit, snapshot) => {
      const running = new Set(transit.map(({ place }) => place.seq))
      const found: StoredJob[] = []
      const ends: Place[] = []
      // Running jobs are stored among the waiting ones, but known, and few.
      if (wants('running'))
        for (const job of transit)
          if (
            (lane === undefined || job.place.lane === lane) &&
            (!after || comparePlaces(job.place, after) > 0)
          )
            found.push(job)
      const take = ({ entries, isLast }: Read<StoredJob>) => {
        found.push(...entries)
        // Where this state was not read to its end, the page ends, for the others too: the next one begins after it.
        const last = entries.at(-1)
        if (last && !isLast) ends.push(last.place)
      }
      const bounds = { entries: limit, bytes: LIST_BYTES }
      if (wants('waiting')) {
        const more = { ...bounds, entries: limit + running.size }
        const { entries, isLast } = await this.#parts.waiting.read(lane, after, more, snapshot)
        take({ entries: entries.map((entry) => storedOf({ entry })), isLast })
      }
      for (const state of SINGLE.filter(wants)) {
        const prefix = jobKey(state, { lane: lane ?? 0, priority: 0, seq: 0 })
        const range = rangeOf(prefix.subarray(0, lane === undefined ? 1 : 5))
        const gt = after && jobKey(state, after)
        const rest = gt && gt.compare(range.gte) >= 0 ? { gt, lt: range.lt } : range
        const { entries, isLast } = await readEntries(this.#parts.db, rest, bounds, snapshot)
        take({ entries: entries.map(([key, record]) => decodeRecord(placeOf(key), state, record)), isLast })
      }
      if (wants('completed')) take(await this.#parts.finished.readChunked(lane, after, bounds, snapshot))
      const [end] = ends.sort(comparePlaces)
      return found
        .filter(({ place, state }) => state !== 'waiting' || !running.has(place.seq))
        .filter(({ place }) => !end || comparePlaces(place, end) <= 0)
        .sort((a, b) => comparePlaces(a.place, b.place))
        .slice(0, limit)
    })
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

  /** Reads the disk as it is when all is written that was changed before the call. */
  look<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    return this.#read(
      () => {},
      (_, snapshot) => read(snapshot),
    )
  }

  cancel(place: Place): Promise<boolean> {
    return this.#change(place, (job, entry) => {
      if (job.state !== 'waiting' && job.state !== 'delayed') return undefined
      return {
        put: (batch) => {
          this.#delete(batch, job, entry)
          this.#parts.finished.finish(batch, 'cancelled', job)
        },
        after: () => {},
      }
    })
  }

  remove(place: Place): Promise<boolean> {
    return this.#change(place, async (job, entry) => {
      const unlisted = await this.#unlist(job)
      return {
        put: (batch) => {
          this.#delete(batch, job, entry)
          if (job.head.key !== undefined) batch.del(nameKey(place.lane, job.head.key))
          unlisted?.put(batch)
        },
        after: () => unlisted?.after(),
      }
    })
  }

  revive(place: Place, attempts: number): Promise<boolean> {
    return this.#change(place, async (job) => {
      if (job.state === 'waiting' || job.state === 'completed') return undefined
      const unlisted = await this.#unlist(job)
      const { startedAt: _start, finishedAt: _at, group: _group, runAt: _runAt, ...rest } = job.head
      const head: Head = job.state === 'delayed' ? rest : { ...rest, granted: (rest.granted ?? 0) + attempts }
      let entry: JobEntry | undefined
      return {
        put: (batch) => {
          this.#delete(batch, job)
          unlisted?.put(batch)
          entry = this.#parts.waiting.put(batch, place, encodeRecord(place, job.enqueuedAt, head, job.body))
          this.#parts.counters.add(place.lane, 'waiting', 1)
        },
        after: () => {
          unlisted?.after()
          if (entry) this.#parts.enter(entry)
        },
      }
    })
  }

  /** Reads a job that is not running, lets `decide` say what to do, and does it. `false`: nothing was done. */
  #change(
    place: Place,
    decide: (job: StoredJob, entry?: JobEntry) => Promise<Change | undefined> | Change | undefined,
  ): Promise<boolean> {
    return this.alone(() =>
      this.#parts.waiting.holding(async () => {
        if (this.#parts.transit.has(place.seq)) return false
        const letGo = this.#parts.withhold(place)
        const found = await this.#get(place)
        const entry = found && 'entry' in found ? found.entry : undefined
        const job = found && storedOf(found)
        const change = job && (await decide(job, entry))
        if (!change) {
          letGo(entry)
          return false
        }
        const after = () => {
          if (job.state === 'delayed') this.#parts.dropDue(dueKey(job.head.runAt ?? 0, place))
          letGo()
          this.#parts.left(place)
          change.after()
        }
        await this.#parts.commits.append((batch) => change.put(batch), { after })
        return true
      }),
    )
  }

  #delete(batch: Batch, { place, state, head }: StoredJob, entry?: JobEntry): void {
    if (state === 'running') return
    if (entry) this.#parts.waiting.delete(batch, entry)
    else batch.del(jobKey(state, place))
    if (state === 'delayed') batch.del(dueKey(head.runAt ?? 0, place))
    this.#parts.counters.add(place.lane, state, -1)
  }

  #unlist({ state, place, head }: StoredJob): Promise<Change> | undefined {
    return isFinished(state) ? this.#parts.finished.unlist(state, place, head) : undefined
  }
}

function isFinished(state: JobState): state is FinishedState {
  return (FINISHED_STATES as readonly JobState[]).includes(state)
}

/** Whoever keeps one job of a chunk does not keep the whole chunk in memory. */
function withOwnBody(job: StoredJob): StoredJob {
  return job.body.byteLength < job.body.buffer.byteLength / 2
    ? { ...job, body: new Uint8Array(job.body) }
    : job
}

function storedOf(found: Found): StoredJob {
  if (!('entry' in found)) return found
  const { place, enqueuedAt, head, body } = found.entry
  return { place, state: 'waiting', enqueuedAt, head, body }
}
