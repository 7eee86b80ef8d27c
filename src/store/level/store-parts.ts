/**
 * The parts of a LevelDB store, and how they are put together. Each part is given the others that it needs. What a part tells the
 * store goes through `PartsEvents`.
 */
import type { Retention } from '../store.js'
import { Adding } from './adding.js'
import { Backlog } from './backlog/backlog.js'
import { Delayed } from './backlog/delayed-jobs.js'
import { JobNotes } from './backlog/job-notes.js'
import { LiveSet } from './backlog/live-set.js'
import { Transit } from './backlog/transit.js'
import { WaitingJobs } from './backlog/waiting-jobs.js'
import { Claiming } from './claiming.js'
import { Compaction } from './compaction.js'
import type { Counters } from './counters.js'
import type { Deletions } from './deletions.js'
import type { OpenDirectory } from './directory/directory.js'
import { FinishedJobs } from './finished/finished-jobs.js'
import { DELETIONS_KEY } from './format/keys.js'
import { GroupCommit } from './group-commit.js'
import { JobChanges } from './job-changes.js'
import { JobQueries } from './job-queries.js'
import type { RecoveryOptions } from './recovery.js'

export interface StoreSettings extends RecoveryOptions {
  /** `disk`: an acknowledged job survives a power cut (fsync); `process`: it survives the death of the process. */
  readonly durability: 'disk' | 'process'
  readonly retention: Retention
  /** The largest encoded input that is kept with a completed job, in bytes; -1 for none. */
  readonly keptInputBytes: number
}

export interface PartsEvents {
  /** Jobs may have become claimable. */
  runnable(): void
  /** The next due time may have changed. */
  due(): void
  /** A write failed, or a read that nobody waits for. */
  broken(error: unknown): void
  /** Outcomes are written. */
  settled(): void
  /** How far apart groups that acknowledge nothing begin, in ms. */
  intervalMs(): number
}

/** What the directory knows of itself. */
export interface Books {
  readonly counters: Counters
  readonly deletions: Deletions
}

export class StoreParts {
  readonly counters: Counters
  readonly commits: GroupCommit
  readonly finished: FinishedJobs
  readonly waiting: WaitingJobs
  readonly backlog: Backlog
  readonly delayed: Delayed
  readonly notes: JobNotes
  readonly adding: Adding
  readonly claiming: Claiming
  readonly queries: JobQueries
  readonly changes: JobChanges
  readonly compaction: Compaction
  readonly transit = new Transit()
  readonly live = new LiveSet()

  constructor(
    { db, assertThere }: OpenDirectory,
    { counters, deletions }: Books,
    { durability, retention, keptInputBytes, attemptsOf }: StoreSettings,
    events: PartsEvents,
  ) {
    const { transit, live } = this
    const runnable = () => events.runnable()
    const due = () => events.due()
    const failed = (error: unknown) => events.broken(error)
    this.counters = counters
    const waiting = new WaitingJobs(db)
    this.waiting = waiting
    const commits = new GroupCommit(db, {
      fsync: durability === 'disk',
      deletions,
      seal: (batch, isLasting) => {
        this.adding.seal()
        const chunksWritten = waiting.seal(batch)
        const entriesWritten = this.finished.seal(batch)
        counters.seal(batch, isLasting)
        const deleted = deletions.seal()
        if (deleted) batch.put(DELETIONS_KEY, deleted)
        this.compaction.soon()
        return () => {
          chunksWritten?.()
          entriesWritten?.()
        }
      },
      assertThere,
      onBroken: failed,
      mustSync: () => waiting.takesFromChunks,
      intervalMs: () => events.intervalMs(),
    })
    this.commits = commits
    this.compaction = new Compaction({ db, commits, counters }, failed)
    const finished = new FinishedJobs({ db, commits, counters }, retention, keptInputBytes)
    this.finished = finished
    const notes = new JobNotes(commits)
    this.notes = notes
    const backlog = new Backlog({
      waiting,
      commits,
      isRunning: (seq) => transit.has(seq),
      filled: runnable,
      failed,
    })
    this.backlog = backlog
    const delayed = new Delayed({ db, commits, counters, waiting, filled: due, failed })
    this.delayed = delayed
    const adding = new Adding({ db, commits, counters, waiting, delayed, backlog, live, runnable, due })
    this.adding = adding
    const outcomes = { counters, waiting, delayed, finished, notes }
    const settled = () => events.settled()
    this.claiming = new Claiming({
      ...outcomes,
      commits,
      backlog,
      transit,
      live,
      adding,
      attemptsOf,
      settled,
    })
    const openedAt = counters.last
    const queries = new JobQueries({
      db,
      commits,
      waiting,
      finished,
      transit,
      // Of the jobs that came since, all that wait are known.
      mayWait: (seq) => seq <= openedAt || live.has(seq),
    })
    this.queries = queries
    this.changes = new JobChanges({
      commits,
      counters,
      queries,
      waiting,
      backlog,
      delayed,
      finished,
      transit,
      enter: (entry) => adding.admit([entry], []),
      left: ({ seq }) => live.delete(seq),
    })
  }
}
