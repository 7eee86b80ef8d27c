/**
 * A store in one LevelDB directory, for one process.
 *
 * A job lives under exactly one state's prefix and its id is its place in line. Small jobs that come in together share one
 * entry, and so do those that complete together; claims are written per waybill: the common path costs LevelDB a few
 * operations per group, not per job. See `keys.ts` for the layout, `chunk.ts` for what is shared, `group-commit.ts` for group
 * commit, `window.ts` for how the next jobs are found without seeking.
 */
import type { TrustOptions } from '../../files/ownership.js'
import type { FinishedState, JobCounts, Place, StoredJob } from '../../job/job.js'
import type {
  Added,
  Addition,
  BackedUp,
  Claim,
  Claimed,
  JobChange,
  JobFilter,
  ListQuery,
  NewJob,
  NewNotes,
  Pick,
  Recovered,
  Retention,
  Settlement,
  Store,
  StoreEvents,
  Waiting,
} from '../store.js'
import { Backlog } from './backlog/backlog.js'
import { Delayed, type DueEntry } from './backlog/delayed-jobs.js'
import { encodeWaybill, JobEntry, type Waybill } from './backlog/job-entry.js'
import { JobNotes } from './backlog/job-notes.js'
import { LiveSet } from './backlog/live-set.js'
import { Transit } from './backlog/transit.js'
import { WaitingJobs } from './backlog/waiting-jobs.js'
import { Counters } from './counters.js'
import { type OpenDirectory, openDirectory } from './directory/directory.js'
import { FinishedJobs } from './finished/finished-jobs.js'
import { CLOSING_KEY, jobKey, nameKey, waybillKey } from './format/keys.js'
import { encodeRecord } from './format/record.js'
import { type Batch, GroupCommit, type Snapshot } from './group-commit.js'
import { IdempotencyKeys } from './idempotency-keys.js'
import { JobChanges } from './job-changes.js'
import { JobQueries } from './job-queries.js'
import { type RecoveryOptions, recover } from './recovery.js'
import { type OutcomeParts, putOutcomes } from './settlements.js'
import { backUp } from './transfer/backup.js'

export interface LevelStoreOptions extends RecoveryOptions, TrustOptions {
  /** `disk`: an acknowledged job survives a power cut (fsync); `process`: it survives the death of the process. */
  readonly durability: 'disk' | 'process'
  readonly retention: Retention
  /** The largest encoded input that is kept with a completed job, in bytes; -1 for none. */
  readonly keptInputBytes: number
}

/** How far apart groups that acknowledge nothing begin while nobody is in a hurry. */
const INTERVAL_MS = 2

interface Joining {
  readonly batch: Batch
  readonly entries: JobEntry[]
  readonly written: Promise<void>
}

export class LevelStore implements Store {
  readonly #opened: OpenDirectory
  #events: StoreEvents = { runnable() {}, due() {}, broken() {} }
  readonly #commits: GroupCommit
  readonly #counters: Counters
  readonly #finished: FinishedJobs
  readonly #keys: IdempotencyKeys
  readonly #waiting: WaitingJobs
  readonly #queries: JobQueries
  readonly #changes: JobChanges
  readonly #backlog: Backlog
  readonly #delayed: Delayed
  readonly #notes: JobNotes
  readonly #outcomeParts: OutcomeParts
  readonly #transit = new Transit()
  readonly #live = new LiveSet()
  /** The jobs that join the group that is being gathered one by one. */
  #joining: Joining | undefined
  #pruning: Promise<void> | undefined
  #isReleased = false
  isHurried = true
  #isClosing = false

  /** Opens the directory, making or recovering it. Throws as `openDirectory` does. */
  static async open(
    directory: string,
    options: LevelStoreOptions,
  ): Promise<{ store: LevelStore; recovered: Recovered }> {
    const opened = await openDirectory(directory, options)
    const { db } = opened
    try {
      const store = new LevelStore(opened, await Counters.read(db), options)
      const parts = {
        db,
        commits: store.#commits,
        counters: store.#counters,
        waiting: store.#waiting,
        finished: store.#finished,
      }
      const { returned, failed } = await recover(parts, options)
      await store.#load()
      const { waiting, delayed } = store.counts()
      return { store, recovered: { returned, failed, waiting: waiting + delayed } }
    } catch (error) {
      await opened.close()
      throw opened.explain(error)
    }
  }

  private constructor(opened: OpenDirectory, counters: Counters, options: LevelStoreOptions) {
    const { db } = opened
    this.#opened = opened
    this.#counters = counters
    this.#waiting = new WaitingJobs(db)
    const broken = (error: unknown) => {
      // What was being read ahead when the directory was released is not needed any more.
      if (!this.#isReleased) this.#events.broken(opened.explain(error))
    }
    opened.onDamage(broken)
    this.#commits = new GroupCommit(db, {
      fsync: options.durability === 'disk',
      seal: (batch, isLasting) => {
        this.#joining = undefined
        const after = this.#waiting.seal(batch)
        this.#finished.seal(batch)
        counters.seal(batch, isLasting)
        return after
      },
      assertThere: opened.assertThere,
      onBroken: broken,
      mustSync: () => this.#waiting.hasChanged,
      intervalMs: () => (this.isHurried ? 0 : INTERVAL_MS),
    })
    const { retention, keptInputBytes } = options
    this.#finished = new FinishedJobs({ db, commits: this.#commits, counters }, retention, keptInputBytes)
    this.#notes = new JobNotes(this.#commits)
    this.#keys = new IdempotencyKeys(db, (jobs) => this.#add(jobs))
    this.#backlog = new Backlog({
      waiting: this.#waiting,
      commits: this.#commits,
      isRunning: (seq) => this.#transit.has(seq),
      filled: () => this.#events.runnable(),
      failed: broken,
    })
    this.#delayed = new Delayed({
      db,
      commits: this.#commits,
      counters,
      waiting: this.#waiting,
      filled: () => this.#events.due(),
      failed: broken,
    })
    this.#outcomeParts = {
      counters,
      waiting: this.#waiting,
      delayed: this.#delayed,
      finished: this.#finished,
      notes: this.#notes,
    }
    const openedAt = counters.last
    this.#queries = new JobQueries({
      db,
      commits: this.#commits,
      waiting: this.#waiting,
      finished: this.#finished,
      transit: this.#transit,
      // Of the jobs that came since, all that wait are known.
      mayWait: (seq) => seq <= openedAt || this.#live.has(seq),
    })
    this.#changes = new JobChanges({
      commits: this.#commits,
      counters,
      queries: this.#queries,
      waiting: this.#waiting,
      backlog: this.#backlog,
      delayed: this.#delayed,
      finished: this.#finished,
      transit: this.#transit,
      enter: (entry) => {
        this.#enter(entry)
        this.#events.runnable()
      },
      left: ({ seq }) => this.#live.delete(seq),
    })
  }

  async #load(): Promise<void> {
    await Promise.all([this.#backlog.load(this.#counters.waitingLanes), this.#delayed.load()])
  }

  watch(events: StoreEvents): void {
    this.#events = events
  }

  lane(task: string): number {
    return this.#counters.lane(task)
  }

  findLane(task: string): number | undefined {
    return this.#counters.findLane(task)
  }

  task(lane: number): string | undefined {
    return this.#counters.task(lane)
  }

  tasks(): string[] {
    return this.#counters.tasks
  }

  busyLanes(): ReadonlySet<number> {
    return this.#counters.busyLanes
  }

  add(jobs: readonly NewJob[]): Promise<Added[]> {
    return jobs.some(({ head }) => head?.key !== undefined)
      ? this.#explained(this.#keys.add(jobs))
      : this.#add(jobs)
  }

  find(lane: number, key: string): Promise<Place | undefined> {
    return this.#explained(this.#keys.find(lane, key))
  }

  #add(jobs: readonly NewJob[]): Promise<Place[]> {
    const now = Date.now()
    const places: Place[] = []
    const waiting: JobEntry[] = []
    const delayed: DueEntry[] = []
    const put = (batch: Batch) => {
      for (const { lane, priority, head, input } of jobs) {
        const place = { lane, priority, seq: this.#counters.next() }
        places.push(place)
        if (head?.key !== undefined) batch.put(nameKey(lane, head.key), jobKey('waiting', place).subarray(1))
        if (head?.runAt !== undefined && head.runAt > now) {
          delayed.push(this.#delayed.put(batch, place, head.runAt, encodeRecord(place, now, head, input)))
        } else {
          waiting.push(this.#waiting.add(batch, place, now, head, input))
          this.#counters.add(lane, 'waiting', 1)
        }
      }
    }
    const after = () => this.#admit(waiting, delayed)
    return this.#commits.append(put, { sync: true, after }).then(() => places)
  }

  addOne({ lane, priority, head, input }: NewJob): Addition {
    this.#joining ??= this.#beginJoining()
    const { batch, entries, written } = this.#joining
    const place = { lane, priority, seq: this.#counters.next() }
    const job = this.#waiting.add(batch, place, Date.now(), head, input)
    this.#counters.add(lane, 'waiting', 1)
    entries.push(job)
    this.#commits.noteAdded(batch)
    return { job, written }
  }

  #beginJoining(): Joining {
    const entries: JobEntry[] = []
    const { batch, written } = this.#commits.join({ sync: true, after: () => this.#admit(entries, []) })
    return { batch, entries, written }
  }

  #admit(waiting: readonly JobEntry[], delayed: readonly DueEntry[]): void {
    for (const entry of waiting) this.#enter(entry)
    for (const entry of delayed) {
      this.#live.add(entry.place.seq)
      this.#delayed.insert(entry)
    }
    if (waiting.length > 0) this.#events.runnable()
    if (delayed.length > 0) this.#events.due()
  }

  #enter(entry: JobEntry): void {
    this.#live.add(entry.place.seq)
    this.#backlog.insert(entry)
  }

  claim(pick: (candidate: Waiting) => Pick, isAhead = false): Claim | undefined {
    const jobs = this.#take(pick)
    if (jobs.length === 0) return undefined
    const waybill: Waybill = { number: this.#counters.next(), jobs, isAhead, left: jobs.length }
    this.#transit.enter(waybill)
    const value = encodeWaybill(jobs, isAhead)
    const written = this.#commits.append((batch) => batch.put(waybillKey(waybill.number), value))
    return { jobs, written }
  }

  #take(pick: (candidate: Waiting) => Pick): JobEntry[] {
    const jobs: JobEntry[] = []
    try {
      for (let next = this.#backlog.next(); next; next = this.#backlog.next()) {
        const answer = pick(next)
        if (answer === 'stop') break
        if (answer === 'skip') this.#backlog.skip()
        else {
          this.#backlog.take()
          jobs.push(next)
        }
      }
    } finally {
      this.#backlog.endClaim()
    }
    return jobs
  }

  noteStarted(job: Claimed, at: number): void {
    ;(job as JobEntry).startedAt = at
  }

  note(job: Claimed, notes: NewNotes): void {
    const entry = job as JobEntry
    if (entry.waybill) this.#notes.note(entry, notes)
  }

  async checkpoint(job: Claimed, saved: Uint8Array): Promise<boolean> {
    const entry = job as JobEntry
    if (!entry.waybill) return false
    await this.#notes.save(entry, saved)
    return true
  }

  settle(settlements: readonly Settlement[]): Promise<void> {
    const now = Date.now()
    const waiting: JobEntry[] = []
    const delayed: DueEntry[] = []
    const put = (batch: Batch) =>
      putOutcomes(this.#outcomeParts, batch, settlements, now, (entry) => {
        if (entry instanceof JobEntry) waiting.push(entry)
        else delayed.push(entry)
      })
    const after = () => {
      for (const { job } of settlements) {
        const { place } = job
        this.#transit.leave(place.seq)
        // Those that wait again are entered again below.
        this.#live.delete(place.seq)
        this.#backlog.forget(job as JobEntry)
      }
      this.#admit(waiting, delayed)
      if (this.#finished.pruning.isDue) this.#pruneSoon()
    }
    const written = this.#commits.append(put, { after })
    this.#transit.settle(settlements.map(({ job }) => job as JobEntry))
    return written
  }

  nextDue(): number | undefined {
    return this.#delayed.next
  }

  promote(now: number): Promise<number> {
    return this.#ownWork(
      this.#changes.inTurn(() => this.#delayed.promote(now, (jobs) => this.#admit(jobs, []))),
    )
  }

  get(place: Place): Promise<StoredJob | undefined> {
    return this.#explained(this.#queries.get(place))
  }

  isLive(place: Place): boolean {
    return this.#live.has(place.seq)
  }

  isInTransit(place: Place): boolean {
    return this.#transit.has(place.seq)
  }

  list(query: ListQuery): Promise<StoredJob[]> {
    return this.#explained(this.#queries.list(query))
  }

  counts(lane?: number): JobCounts {
    return this.#counters.counts(lane, this.#transit.count(lane))
  }

  changeOne(place: Place, change: JobChange): Promise<boolean> {
    return this.#explained(this.#changes.changeOne(place, change))
  }

  changeAll(
    filter: JobFilter,
    change: JobChange,
    changed: (jobs: readonly StoredJob[]) => void = () => {},
  ): Promise<number> {
    return this.#explained(this.#changes.changeAll(filter, change, changed))
  }

  clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    return this.#explained(
      this.#changes.inTurn(() => this.#finished.pruning.clean(state, before, limit, lane)),
    )
  }

  prune(now: number, isExact = true): Promise<void> {
    return this.#ownWork(this.#changes.inTurn(() => this.#finished.pruning.prune(now, isExact)))
  }

  backup(target: string, trust: TrustOptions = {}): Promise<BackedUp> {
    const { db, path: source } = this.#opened
    const copy = (snapshot: Snapshot) =>
      backUp(db, snapshot, { source, target, trust }, () => this.#isClosing)
    return this.#explained(this.#queries.look(copy))
  }

  markClosing(): Promise<void> {
    return this.#explained(this.#commits.append((batch) => batch.put(CLOSING_KEY, Buffer.alloc(0))))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#keys.quiet()
    await this.#changes.quiet()
    await this.#queries.quiet()
    this.#notes.flush()
    await this.#commits.finish()
    this.#isReleased = true
    await this.#opened.close()
  }

  #explained<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw this.#opened.explain(error)
    })
  }

  /** What nobody has asked for: if it fails, nobody else would hear of it. */
  #ownWork<T>(work: Promise<T>): Promise<T> {
    const explained = this.#explained(work)
    explained.catch((error: Error) => this.#events.broken(error))
    return explained
  }

  #pruneSoon(): void {
    this.#pruning ??= this.prune(Date.now(), false)
      .catch(() => {
        // It has been reported.
      })
      .finally(() => {
        this.#pruning = undefined
      })
  }
}
