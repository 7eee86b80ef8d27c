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
} from '../../job.js'
import type { ListQuery } from '../store.js'
import { JobEntry } from './entry.js'
import { dueKey, jobKey, nameKey, placeOf, rangeOf } from './keys.js'
import type { Ledger } from './ledger.js'
import { decodeRecord, encodeRecord } from './record.js'
import { type Change, type Retainer, readEntries } from './retainer.js'
import type { Batch, Database, Snapshot, Writer } from './writer.js'

export interface DeskParts {
  readonly db: Database
  readonly writer: Writer
  readonly ledger: Ledger
  readonly retainer: Retainer
  isRunning(place: Place): boolean
  /** The jobs in transit. */
  running(): Iterable<JobEntry>
  /** Keeps a waiting job from being claimed, until told that it is gone or, with its entry, back. */
  withhold(place: Place): (back?: JobEntry) => void
  dropDue(key: Buffer): void
  /** A job has joined the backlog. */
  enter(entry: JobEntry): void
  /** A job has finished, or is gone. */
  left(place: Place): void
}

const LOOKED_UP = ['waiting', 'delayed', ...FINISHED_STATES] as const
const LIST_BYTES = 64 * 1024 * 1024

export class Desk {
  readonly #parts: DeskParts
  #last: Promise<unknown> = Promise.resolve()
  readonly #reading = new Set<Promise<unknown>>()

  constructor(parts: DeskParts) {
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
    const look = () => this.#parts.isRunning(place)
    return this.#read(look, async (isRunning, snapshot) => {
      const keys = LOOKED_UP.map((state) => jobKey(state, place))
      const records = await this.#parts.db.getMany(keys, { snapshot })
      const index = records.findIndex((record) => record !== undefined)
      const record = records[index]
      const state = LOOKED_UP[index]
      if (!record || !state) return undefined
      return decodeRecord(place, state === 'waiting' && isRunning ? 'running' : state, record)
    })
  }

  list(query: ListQuery): Promise<StoredJob[]> {
    const { states, lane, after, limit } = query
    const wants = (state: JobState) => !states || states.includes(state)
    const look = () => [...this.#parts.running()]
    return this.#read(look, async (transit, snapshot) => {
      const running = new Set(transit.map(({ place }) => place.seq))
      const found: StoredJob[] = []
      const ends: Place[] = []
      // Running jobs are stored among the waiting ones, but known, and few.
      if (wants('running'))
        for (const { place, record } of transit)
          if ((lane === undefined || place.lane === lane) && (!after || isAfter(place, after)))
            found.push(decodeRecord(place, 'running', record))
      for (const state of LOOKED_UP.filter(wants)) {
        const prefix = jobKey(state, { lane: lane ?? 0, priority: 0, seq: 0 })
        const range = rangeOf(prefix.subarray(0, lane === undefined ? 1 : 5))
        const gt = after && jobKey(state, after)
        const rest = gt && gt.compare(range.gte) >= 0 ? { gt, lt: range.lt } : range
        const entries = limit + (state === 'waiting' ? running.size : 0)
        const read = await readEntries(this.#parts.db, rest, { entries, bytes: LIST_BYTES }, snapshot)
        for (const [key, record] of read.entries) {
          const place = placeOf(key)
          if (state !== 'waiting' || !running.has(place.seq)) found.push(decodeRecord(place, state, record))
        }
        // Where the bytes cut this state off, the page ends, for the others too: the next one begins after it.
        const last = read.entries.at(-1)
        if (last && !read.isLast && read.entries.length < entries) ends.push(placeOf(last[0]))
      }
      const end = ends.sort(compare)[0]
      return found
        .filter(({ place }) => !end || !isAfter(place, end))
        .sort((a, b) => compare(a.place, b.place))
        .slice(0, limit)
    })
  }

  /**
   * Reads the disk as of a moment in which memory, which knows what runs, agrees with it: so a job on its way from one state
   * to the next is seen in exactly one of them. What was changed before the call is in it: counts, which run ahead of the
   * disk, are not contradicted.
   */
  #read<L, T>(look: () => L, read: (seen: L, snapshot: Snapshot) => Promise<T>): Promise<T> {
    const { db, writer } = this.#parts
    const result = writer.caughtUp().then(
      () =>
        new Promise<T>((resolve, reject) => {
          writer.between(() => {
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
    return this.#change(place, (job) => {
      if (job.state !== 'waiting' && job.state !== 'delayed') return undefined
      return {
        put: (batch) => {
          this.#delete(batch, job)
          this.#parts.retainer.finish(batch, 'cancelled', job)
        },
        after: () => {},
      }
    })
  }

  remove(place: Place): Promise<boolean> {
    return this.#change(place, async (job) => {
      const unlisted = await this.#unlist(job)
      return {
        put: (batch) => {
          this.#delete(batch, job)
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
      const { finishedAt: _at, group: _group, runAt: _runAt, ...rest } = job.head
      const head: Head = job.state === 'delayed' ? rest : { ...rest, granted: (rest.granted ?? 0) + attempts }
      const entry = entryOf({ ...job, head })
      return {
        put: (batch) => {
          this.#delete(batch, job)
          unlisted?.put(batch)
          batch.put(entry.key, entry.record)
          this.#parts.ledger.add(place.lane, 'waiting', 1)
        },
        after: () => {
          unlisted?.after()
          this.#parts.enter(entry)
        },
      }
    })
  }

  /** Reads a job that is not running, lets `decide` say what to do, and does it. `false`: nothing was done. */
  #change(
    place: Place,
    decide: (job: StoredJob) => Promise<Change | undefined> | Change | undefined,
  ): Promise<boolean> {
    return this.alone(async () => {
      if (this.#parts.isRunning(place)) return false
      const letGo = this.#parts.withhold(place)
      const job = await this.get(place)
      const change = job && (await decide(job))
      if (!change) {
        letGo(job?.state === 'waiting' ? entryOf(job) : undefined)
        return false
      }
      const after = () => {
        if (job.state === 'delayed') this.#parts.dropDue(dueKey(job.head.runAt ?? 0, place))
        letGo()
        this.#parts.left(place)
        change.after()
      }
      await this.#parts.writer.append((batch) => change.put(batch), { after })
      return true
    })
  }

  #delete(batch: Batch, { place, state, head }: StoredJob): void {
    if (state === 'running') return
    batch.del(jobKey(state, place))
    if (state === 'delayed') batch.del(dueKey(head.runAt ?? 0, place))
    this.#parts.ledger.add(place.lane, state, -1)
  }

  #unlist({ state, place, head }: StoredJob): Promise<Change> | undefined {
    return isFinished(state) ? this.#parts.retainer.unlist(state, place, head) : undefined
  }
}

function isFinished(state: JobState): state is FinishedState {
  return (FINISHED_STATES as readonly JobState[]).includes(state)
}

function entryOf({ place, enqueuedAt, head, body }: StoredJob): JobEntry {
  return new JobEntry(place, encodeRecord(enqueuedAt, Object.keys(head).length > 0 ? head : undefined, body))
}

function compare(a: Place, b: Place): number {
  return a.lane - b.lane || a.priority - b.priority || a.seq - b.seq
}

function isAfter(a: Place, b: Place): boolean {
  return compare(a, b) > 0
}
