/**
 * The store: everything that is durable. One interface between scheduling and persistence, named by the verbs of a job's
 * life and batch-first, so that the scheduler knows no keys and the store no threads.
 *
 * A store belongs to one scheduler, which keeps to these rules: a claimed job is settled once; a method is not called after
 * `close()`. Every promise is fulfilled once its change survives the death of the process (with `durability: 'disk'` an
 * `add` also survives a power cut), and changes take effect in the order of the calls.
 */
import type { TrustOptions } from '../files/ownership.js'
import {
  type FinishedState,
  type Head,
  headAfterAttempt,
  type JobCounts,
  type JobState,
  type Place,
  type StoredJob,
} from '../job/job.js'
import type { JobLog, Notes } from '../job/notes.js'

export interface Store {
  /** Tells the store whom to call. */
  watch(events: StoreEvents): void
  /** Whether a thread is free and waits for the next write. While `false`, writes may be grouped for a few ms. Default true. */
  isHurried: boolean
  /** The lane of a task; the first time, it is made. */
  lane(task: string): number
  /** The lane of a task, if it has one. */
  findLane(task: string): number | undefined
  /** The task of a lane, if there is one. */
  task(lane: number): string | undefined
  /** Every task that has ever had a lane here. */
  tasks(): string[]
  /** The lanes that have jobs which wait, run or are delayed. */
  busyLanes(): ReadonlySet<number>

  /**
   * Adds jobs in one atomic write. A job whose key is taken is not added: the result holds the place of the one that is. `at` is
   * when they were enqueued, in ms since the epoch. Default: now.
   */
  add(jobs: readonly NewJob[], at?: number): Promise<Added[]>
  /** The place of the job that has this key. */
  find(lane: number, key: string): Promise<Place | undefined>
  /** Adds one job that has no key and need not wait for its time. @throws {StoreError} the store is broken. */
  addOne(job: NewJob): Addition

  /**
   * Takes the next waiting jobs and puts them in transit as one waybill. Candidates are shown in the order of priority,
   * then of age, across the lanes; `pick` answers for each. `undefined` if nothing was taken. `isInDoubt` is asked
   * then: whether, after a crash, it is unknown if one of them is to blame. None is charged then.
   */
  claim(pick: (candidate: Waiting) => Pick, isInDoubt?: () => boolean): Claim | undefined
  /** Shows a lane to `claim` again, if `pick` has held it. A lane that is held costs a claim nothing. */
  release(lane: number): void

  /** A job in transit has started, at this time (ms since the epoch). Not written. */
  noteStarted(job: Claimed, at: number): void
  /**
   * Keeps what a job in transit tells of itself. `get` and `list` show it at once; it is written some 200 ms later, together with
   * what comes meanwhile. What has an outcome already tells nothing more: that is ignored.
   */
  note(job: Claimed, notes: NewNotes): void
  /**
   * Stores what a job in transit saves for its next attempt, in the place of what it saved before. Durable as `add` is.
   * `false`: it has an outcome already.
   */
  checkpoint(job: Claimed, saved: Uint8Array): Promise<boolean>
  /**
   * Records the outcomes of jobs in transit, each with what it has noted: a completed one's checkpoint is dropped. Fulfilled with
   * `finishedAt` of those that have finished.
   */
  settle(settlements: readonly Settlement[]): Promise<number>

  /** When the next delayed job is due, in ms since the epoch. */
  nextDue(): number | undefined
  /** Moves delayed jobs that are due at `now` to their old places in the backlog; at most a thousand or so at a time. */
  promote(now: number): Promise<number>

  /** The job at this place, in whatever state it is. */
  get(place: Place): Promise<StoredJob | undefined>
  /** Whether the job is known, without reading the disk, to wait, be delayed or run. `false` may mean anything. */
  isLive(place: Place): boolean
  /** Whether the job is in transit: claimed, and its outcome not written yet. */
  isInTransit(place: Place): boolean
  /** Jobs in the order of their ids. */
  list(query: ListQuery): Promise<StoredJob[]>
  /** How many jobs are in each state, of one lane or of all. Costs no read. */
  counts(lane?: number): JobCounts
  /** How many bytes the jobs take that wait or are delayed. Costs no read. */
  backlogBytes(): number
  /** How many bytes a job would take while it waits. */
  bytesOf(job: NewJob): number

  /**
   * Changes one job that does not run, as `JobChange` says. `false`: its state does not allow it, or there is none. Fulfilled
   * when that is durable.
   */
  changeOne(place: Place, change: JobChange): Promise<boolean>
  /**
   * Changes all jobs that match and whose state allows it, a thousand or so in one write, and says how many. `changed` is told of
   * those of each write, as they were before, when it is durable; `at` is `finishedAt` of those that have finished by it. What is
   * claimed meanwhile is left alone.
   */
  changeAll(
    filter: JobFilter,
    change: JobChange,
    changed?: (jobs: readonly StoredJob[], at: number) => void,
  ): Promise<number>
  /** Deletes jobs that finished before `before` (ms since the epoch), the oldest first. */
  clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number>
  /** Deletes the finished jobs that are too old, too many or too large for the retention. */
  prune(now: number): Promise<void>

  /**
   * Copies everything, as it is now, into a new or empty directory that can be opened then. What is in transit is so in the
   * copy. `close` ends it with a ClosedError.
   */
  backup(target: string, trust?: TrustOptions): Promise<BackedUp>

  /** Notes that the queue closes: jobs that are in transit when the process ends now are not charged by the next open. */
  markClosing(): Promise<void>
  /** Completes what was begun and releases the directory. Jobs in transit are recovered by the next open. */
  close(): Promise<void>
}

/** Which jobs: those of these states, of one lane or of all. */
export interface JobFilter {
  readonly states: readonly JobState[]
  readonly lane?: number
}

/** What is done to jobs by hand. */
export type JobChange =
  /** Waiting and delayed jobs are cancelled. */
  | { readonly verb: 'cancel' }
  /** Delayed, failed and cancelled jobs go to the backlog; the finished ones with so many attempts granted on top. */
  | { readonly verb: 'revive'; attemptsOf(job: StoredJob): number }
  /** Jobs in any state but running are deleted, with their keys. */
  | { readonly verb: 'remove' }

/** What the store asks of its scheduler. */
export interface StoreEvents {
  /** Jobs may have become claimable. */
  runnable(): void
  /** The next due time may have changed. */
  due(): void
  /** A write failed. Nothing is stored from now on. */
  broken(error: Error): void
}

/** How many finished jobs of a state are kept, and how long. */
export interface Keep {
  /** The newest so many. */
  count: number
  /** The newest whose records take no more than this in all. */
  bytes: number
  /** In ms. */
  age: number
}
export type Retention = Record<FinishedState, Keep>

export interface NewJob {
  readonly lane: number
  readonly priority: number
  readonly head: Readonly<Head> | undefined
  readonly input: Uint8Array
}

/** Where a job is that was to be added; `existed` if that is the one that had its key before. */
export interface Added extends Place {
  readonly existed?: true
}

/** A waiting job, as `claim` shows it. */
export interface Waiting {
  readonly place: Place
  readonly bytes: number
  /** It must run in a waybill of its own. */
  readonly alone: boolean
}

/** A job that is being added. */
export interface Addition {
  readonly job: StoredJob
  /** Fulfilled when it is durable. */
  readonly written: Promise<void>
}

/** `take` it; leave all that remains of its lane, in this claim (`skip`) or until `release` (`hold`); `stop` here. */
export type Pick = 'take' | 'skip' | 'hold' | 'stop'

/** Jobs that were put in transit together. */
export interface Claim {
  readonly jobs: readonly Claimed[]
  /** Fulfilled when the claim is durable: only then may a job of it start. */
  readonly written: Promise<void>
}

/** What a job has told since the last time. */
export interface NewNotes {
  /** The encoded value that it reported last. */
  readonly progress?: Uint8Array
  /** New lines of its log, and how many are missing before or among them. */
  readonly log?: JobLog
}

/** A job in transit. */
export interface Claimed extends Waiting {
  readonly enqueuedAt: number
  /** Its history before this attempt. */
  readonly head: Readonly<Head>
  /** Which attempt this is, counted from 1. */
  readonly attempt: number
  /** When this attempt started, in ms since the epoch, as far as is known. */
  readonly startedAt: number | undefined
  /** What it has noted in this attempt; when that is over, as it went into its record. */
  readonly notes: Notes | undefined
  readonly input: Uint8Array
  readonly inputBytes: number
  copyInput(target: Uint8Array, at: number): void
}

/** What became of a job in transit. */
export type Settlement =
  | {
      readonly outcome: 'completed'
      readonly job: Claimed
      readonly output: Uint8Array
      readonly startedAt: number
    }
  | { readonly outcome: 'failed' | 'cancelled'; readonly job: Claimed; readonly head: Head }
  /** Back to the backlog, at its old place, not before `head.runAt`; `head` has the attempt charged. */
  | { readonly outcome: 'retry'; readonly job: Claimed; readonly head: Head }
  /** Back to the backlog, at its old place, as if it had not been claimed; `alone` from now on if so said. */
  | { readonly outcome: 'released'; readonly job: Claimed; readonly alone?: boolean }

export interface ListQuery {
  readonly states?: readonly JobState[]
  readonly lane?: number
  /** List what comes after this place. */
  readonly after?: Place
  readonly limit: number
}

/** What a backup copied. */
export interface BackedUp {
  /** In whatever state. */
  readonly jobs: number
  readonly bytes: number
}

/** What opening found of an earlier process's jobs in transit. */
export interface Recovered {
  /** Jobs returned to the backlog. */
  readonly returned: number
  /** Jobs whose lost attempt was their last. */
  readonly failed: number
  /** Jobs that wait (or are delayed) in all, the returned ones among them. */
  readonly waiting: number
}

/** A job in transit as it stands now. */
export function storedAsRunning(job: Claimed): StoredJob {
  const { place, enqueuedAt, attempt, startedAt } = job
  const head = headAfterAttempt(job.head, job.notes)
  const running = { ...head, attempt, ...(startedAt !== undefined && { startedAt }) }
  return { place, state: 'running', enqueuedAt, head: running, body: job.input }
}
