/**
 * The small books of a directory, kept in memory and written with every group that changes them: each lane's task, how many
 * jobs each lane has in each state, how many bytes the jobs of each state take, and the last number given out. So counting costs no
 * read, after a crash neither.
 */
import type { FinishedState, JobCounts, JobState } from '../../job/job.js'
import { checked, checkedValue } from './format/checked.js'
import {
  BYTES_KEY,
  countsKey,
  type Key,
  LAST_KEY,
  laneKey,
  laneOf,
  rangeOf,
  readUint48,
} from './format/keys.js'
import type { Batch, Database } from './group-commit.js'

/** The states that are told apart on disk: a running job is stored as a waiting one. */
const STORED = ['waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const
export type CountedState = Exclude<JobState, 'running'>

export type Counts = Record<CountedState, number>

export class Counters {
  readonly #lanes = new Map<string, number>()
  readonly #tasks = new Map<number, string>()
  /** Of each lane that has jobs. One that has none needs no object here and no entry on disk. */
  readonly #counts = new Map<number, Counts>()
  /** The lanes that have jobs which wait, run or are delayed; out of date for those that are `#changed`. */
  readonly #busy = new Set<number>()
  readonly #total = noCounts()
  /** How many bytes the records of all jobs of a state take. */
  readonly #bytes = noCounts()
  #hasNewBytes = false
  /** What the next group has to write. */
  readonly #newLanes = new Set<number>()
  readonly #changed = new Set<number>()
  /** The lane that was changed last: often the next one too. */
  #latest: { readonly lane: number; readonly counts: Counts } | undefined
  #last = 0
  #written = 0

  /** @throws {DamagedError} an entry is not as it was written. */
  static async read(db: Database): Promise<Counters> {
    const counters = new Counters()
    const last = await db.get(LAST_KEY)
    counters.#last = counters.#written = last ? decodeLast(last) : 0
    for await (const [key, value] of db.iterator(rangeOf('ml')))
      counters.#name(laneOf(key), checkedValue(key, value).toString('utf8'))
    const bytes = await db.get(BYTES_KEY)
    if (bytes) Object.assign(counters.#bytes, decodeCounts(BYTES_KEY, bytes))
    for await (const [key, value] of db.iterator(rangeOf('mc'))) {
      const lane = laneOf(key)
      const counts = Object.assign(counters.#countsOf(lane), decodeCounts(key, value))
      for (const state of STORED) counters.#total[state] += counts[state]
      counters.#note(lane)
    }
    return counters
  }

  /** The number that was given out last. */
  get last(): number {
    return this.#last
  }

  /** A number larger than all before, in this process and earlier ones. It counts as given once its group is written. */
  next(): number {
    return ++this.#last
  }

  lane(task: string): number {
    const known = this.#lanes.get(task)
    if (known !== undefined) return known
    const lane = this.#lanes.size
    this.#name(lane, task)
    this.#newLanes.add(lane)
    return lane
  }

  findLane(task: string): number | undefined {
    return this.#lanes.get(task)
  }

  task(lane: number): string | undefined {
    return this.#tasks.get(lane)
  }

  get tasks(): string[] {
    return [...this.#lanes.keys()]
  }

  /** The lanes that have jobs which wait, run or are delayed. */
  get busyLanes(): ReadonlySet<number> {
    for (const lane of this.#changed) this.#noteBusy(lane)
    return this.#busy
  }

  /** The lanes that have jobs stored as waiting. */
  get waitingLanes(): number[] {
    return [...this.busyLanes].filter((lane) => this.#countsOf(lane).waiting > 0)
  }

  /** So many jobs have come to a state, whose records take so many bytes; or have left it, if these are negative. */
  add(lane: number, state: CountedState, count: number, bytes: number): void {
    if (this.#latest?.lane !== lane) {
      this.#latest = { lane, counts: this.#countsOf(lane) }
      this.#changed.add(lane)
    }
    // By name where there are many: a key that changes costs several times as much.
    const { counts } = this.#latest
    if (state === 'waiting') {
      counts.waiting += count
      this.#total.waiting += count
      this.#bytes.waiting += bytes
    } else if (state === 'completed') {
      counts.completed += count
      this.#total.completed += count
      this.#bytes.completed += bytes
    } else {
      counts[state] += count
      this.#total[state] += count
      this.#bytes[state] += bytes
    }
    this.#hasNewBytes = true
  }

  total(state: FinishedState): number {
    return this.#total[state]
  }

  /** How many bytes the records of the jobs of a state take. A running job is stored as a waiting one. */
  bytes(state: CountedState): number {
    return this.#bytes[state]
  }

  counts(lane: number | undefined, running: number): JobCounts {
    const counts = lane === undefined ? this.#total : (this.#counts.get(lane) ?? NO_COUNTS)
    return { ...counts, waiting: counts.waiting - running, running }
  }

  /**
   * Adds to a group what has changed since the last one. A new lane is written with every group until one is `isLasting`: without
   * its lane a job cannot be found.
   */
  seal(batch: Batch, isLasting: boolean): void {
    for (const lane of this.#newLanes) batch.put(laneKey(lane), encodeLane(lane, this.#tasks.get(lane) ?? ''))
    for (const lane of this.#changed) {
      const counts = this.#note(lane)
      const key = countsKey(lane)
      batch.set(key, counts && encodeCounts(key, counts))
    }
    if (this.#hasNewBytes) {
      batch.put(BYTES_KEY, encodeCounts(BYTES_KEY, this.#bytes))
      this.#hasNewBytes = false
    }
    if (this.#last !== this.#written) {
      batch.put(LAST_KEY, encodeLast(this.#last))
      this.#written = this.#last
    }
    if (isLasting) this.#newLanes.clear()
    this.#changed.clear()
    this.#latest = undefined
  }

  #name(lane: number, task: string): void {
    this.#lanes.set(task, lane)
    this.#tasks.set(lane, task)
  }

  /** A lane's counts have changed. Notes whether it is busy. Drops the counts if it has no job. */
  #note(lane: number): Counts | undefined {
    this.#noteBusy(lane)
    const counts = this.#counts.get(lane)
    if (counts && hasJobs(counts)) return counts
    this.#counts.delete(lane)
    return undefined
  }

  #noteBusy(lane: number): void {
    const { waiting, delayed } = this.#counts.get(lane) ?? NO_COUNTS
    if (waiting + delayed > 0) this.#busy.add(lane)
    else this.#busy.delete(lane)
  }

  #countsOf(lane: number): Counts {
    let counts = this.#counts.get(lane)
    if (!counts) {
      counts = noCounts()
      this.#counts.set(lane, counts)
    }
    return counts
  }
}

/** What is stored under a lane's `laneKey`. */
export function encodeLane(lane: number, task: string): Buffer {
  return checked(laneKey(lane), Buffer.from(task))
}

/** What is stored under a lane's `countsKey`, or `BYTES_KEY`. */
export function encodeCounts(key: Key, counts: Counts): Buffer {
  const value = Buffer.allocUnsafe(STORED.length * 6)
  STORED.forEach((state, index) => {
    value.writeUIntBE(counts[state], index * 6, 6)
  })
  return checked(key, value)
}

function decodeCounts(key: Key, stored: Buffer): Counts {
  const value = checkedValue(key, stored)
  const counts = noCounts()
  STORED.forEach((state, index) => {
    counts[state] = readUint48(value, index * 6)
  })
  return counts
}

/** What is stored under `LAST_KEY`. */
export function encodeLast(last: number): Buffer {
  const value = Buffer.allocUnsafe(6)
  value.writeUIntBE(last, 0, 6)
  return checked(LAST_KEY, value)
}

/** @throws {DamagedError} it is not as it was written. */
export function decodeLast(stored: Buffer): number {
  return readUint48(checkedValue(LAST_KEY, stored), 0)
}

function hasJobs({ waiting, delayed, completed, failed, cancelled }: Counts): boolean {
  return waiting + delayed + completed + failed + cancelled > 0
}

export function noCounts(): Counts {
  return { waiting: 0, delayed: 0, completed: 0, failed: 0, cancelled: 0 }
}

const NO_COUNTS: Readonly<Counts> = noCounts()
