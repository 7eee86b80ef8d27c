/**
 * How jobs come in: they are written first, and enter memory once that is done.
 *
 * ```
 *  add, addOne ──▶ put into the group that is gathered ──written──▶ admitted: to the backlog, or to the delayed jobs
 *  add with keys ──keys looked up──┘
 * ```
 *
 * Jobs that are added one by one join one group: they share its promise and its list of what to admit. The group is sealed just
 * before it is written; the next job joins another one. A job is counted when it is put, so a limit on the backlog sees it.
 */
import type { Place } from '../../job/job.js'
import type { Added, Addition, NewJob } from '../store.js'
import type { Backlog } from './backlog/backlog.js'
import type { Delayed, DueEntry } from './backlog/delayed-jobs.js'
import type { JobEntry } from './backlog/job-entry.js'
import type { LiveSet } from './backlog/live-set.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { Counters } from './counters.js'
import { jobKey, nameKey } from './format/keys.js'
import { encodeRecord } from './format/record.js'
import type { Batch, Database, GroupCommit } from './group-commit.js'
import { IdempotencyKeys } from './idempotency-keys.js'

export interface AddingParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
  readonly waiting: WaitingJobs
  readonly delayed: Delayed
  readonly backlog: Backlog
  readonly live: LiveSet
  /** Jobs have become claimable. */
  runnable(): void
  /** The next due time may have changed. */
  due(): void
}

interface Joining {
  readonly batch: Batch
  readonly entries: JobEntry[]
  readonly written: Promise<void>
}

export class Adding {
  readonly #parts: AddingParts
  readonly #commits: GroupCommit
  readonly #counters: Counters
  readonly #waiting: WaitingJobs
  readonly #keys: IdempotencyKeys
  /** The jobs that join the group that is being gathered one by one. */
  #joining: Joining | undefined

  constructor(parts: AddingParts) {
    this.#parts = parts
    this.#commits = parts.commits
    this.#counters = parts.counters
    this.#waiting = parts.waiting
    this.#keys = new IdempotencyKeys(parts.db, (jobs, at) => this.add(jobs, at))
  }

  /** Adds jobs of which some have a key: those whose key is taken are not added. */
  addKeyed(jobs: readonly NewJob[], at: number): Promise<Added[]> {
    return this.#keys.add(jobs, at)
  }

  /** See `Store.find`. */
  find(lane: number, key: string): Promise<Place | undefined> {
    return this.#keys.find(lane, key)
  }

  /** Adds jobs in one atomic write. No key is looked up. */
  add(jobs: readonly NewJob[], at: number): Promise<Place[]> {
    const places: Place[] = []
    const waiting: JobEntry[] = []
    const later: DueEntry[] = []
    const put = (batch: Batch) => {
      for (const { lane, priority, head, input } of jobs) {
        const place = { lane, priority, seq: this.#counters.next() }
        places.push(place)
        if (head?.key !== undefined) batch.put(nameKey(lane, head.key), jobKey('waiting', place).subarray(1))
        if (head?.runAt !== undefined && head.runAt > at) {
          later.push(this.#parts.delayed.put(batch, place, head.runAt, encodeRecord(place, at, head, input)))
        } else {
          const entry = this.#waiting.add(batch, place, at, head, input)
          waiting.push(entry)
          this.#counters.add(lane, 'waiting', 1, entry.storedBytes)
        }
      }
    }
    const after = () => this.admit(waiting, later)
    return this.#commits.append(put, { sync: true, after }).then(() => places)
  }

  /** See `Store.addOne`. */
  addOne({ lane, priority, head, input }: NewJob): Addition {
    this.#joining ??= this.#beginJoining()
    const { batch, entries, written } = this.#joining
    const place = { lane, priority, seq: this.#counters.next() }
    const job = this.#waiting.add(batch, place, Date.now(), head, input)
    this.#counters.add(lane, 'waiting', 1, job.storedBytes)
    entries.push(job)
    this.#commits.noteAdded(batch)
    return { job, written }
  }

  #beginJoining(): Joining {
    const entries: JobEntry[] = []
    const { batch, written } = this.#commits.join({ sync: true, after: () => this.admit(entries, []) })
    return { batch, entries, written }
  }

  /** The group that is being gathered takes nothing more. */
  seal(): void {
    this.#joining = undefined
  }

  /** Jobs that wait, and jobs that are delayed, are on disk: they enter memory. */
  admit(waiting: readonly JobEntry[], delayed: readonly DueEntry[]): void {
    const { live, delayed: dueJobs, runnable, due } = this.#parts
    for (const entry of waiting) this.#enter(entry)
    for (const entry of delayed) {
      live.add(entry.place.seq)
      dueJobs.insert(entry)
    }
    if (waiting.length > 0) runnable()
    if (delayed.length > 0) due()
  }

  #enter(entry: JobEntry): void {
    this.#parts.live.add(entry.place.seq)
    this.#parts.backlog.insert(entry)
  }

  /** Fulfilled when every request with keys that came so far is on its way to the disk. */
  async quiet(): Promise<void> {
    await this.#keys.quiet()
  }
}
