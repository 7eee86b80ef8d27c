/**
 * A store in one LevelDB directory, for one process.
 *
 * A job lives under exactly one state's prefix and its id is its place in line. Small jobs that come in together share one
 * entry, and so do those that complete together; claims are written per waybill: the common path costs LevelDB a few
 * operations per group, not per job. See `keys.ts` for the layout, `chunk.ts` for what is shared, `writer.ts` for group
 * commit, `window.ts` for how the next jobs are found without seeking.
 */
import type { FinishedState, JobCounts, Place, StoredJob } from '../../job.js'
import type {
  Added,
  Addition,
  BackedUp,
  Claim,
  ListQuery,
  NewJob,
  Pick,
  Recovered,
  Retention,
  Settlement,
  Store,
  StoreEvents,
  Waiting,
} from '../store.js'
import { Backlog } from './backlog.js'
import { backUp } from './backup.js'
import { Delayed, type DueEntry } from './delayed.js'
import { Desk } from './desk.js'
import { type OpenDirectory, openDirectory } from './directory.js'
import { encodeWaybill, JobEntry, type Waybill } from './entry.js'
import { jobKey, nameKey, waybillKey } from './keys.js'
import { Ledger } from './ledger.js'
import { LiveSet } from './live-set.js'
import { Names } from './names.js'
import { type OutcomeParts, putOutcomes } from './outcomes.js'
import { encodeRecord } from './record.js'
import { type RecoveryOptions, recover } from './recovery.js'
import { Retainer } from './retainer.js'
import { Transit } from './transit.js'
import { WaitingJobs } from './waiting.js'
import { type Batch, type Snapshot, Writer } from './writer.js'

export interface LevelStoreOptions extends RecoveryOptions {
  /** `disk`: an acknowledged job survives a power cut (fsync); `process`: it survives the death of the process. */
  readonly durability: 'disk' | 'process'
  readonly retention: Retention
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
  readonly #writer: Writer
  readonly #ledger: Ledger
  readonly #retainer: Retainer
  readonly #names: Names
  readonly #waiting: WaitingJobs
  readonly #desk: Desk
  readonly #backlog: Backlog
  readonly #delayed: Delayed
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
    const opened = await openDirectory(directory)
    const { db } = opened
    try {
      const store = new LevelStore(opened, await Ledger.read(db), options)
      const parts = {
        db,
        writer: store.#writer,
        ledger: store.#ledger,
        waiting: store.#waiting,
        retainer: store.#retainer,
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

  private constructor(opened: OpenDirectory, ledger: Ledger, options: LevelStoreOptions) {
    const { db } = opened
    this.#opened = opened
    this.#ledger = ledger
    this.#waiting = new WaitingJobs(db)
    const broken = (error: unknown) => {
      // What was being read ahead when the directory was released is not needed any more.
      if (!this.#isReleased) this.#events.broken(opened.explain(error))
    }
    opened.onDamage(broken)
    this.#writer = new Writer(db, {
      fsync: options.durability === 'disk',
      seal: (batch, isLasting) => {
        this.#joining = undefined
        const afters = [this.#waiting.seal(batch), this.#retainer.seal(batch)]
        ledger.seal(batch, isLasting)
        return () => {
          for (const after of afters) after?.()
        }
      },
      assertThere: opened.assertThere,
      onBroken: broken,
      mustSync: () => this.#waiting.hasChanged,
      intervalMs: () => (this.isHurried ? 0 : INTERVAL_MS),
    })
    this.#retainer = new Retainer(db, this.#writer, ledger, options.retention, broken)
    this.#names = new Names(db, (jobs) => this.#add(jobs))
    this.#backlog = new Backlog({
      waiting: this.#waiting,
      writer: this.#writer,
      isRunning: (seq) => this.#transit.has(seq),
      filled: () => this.#events.runnable(),
      failed: broken,
    })
    this.#delayed = new Delayed({
      db,
      writer: this.#writer,
      ledger,
      waiting: this.#waiting,
      filled: () => this.#events.due(),
      failed: broken,
    })
    this.#outcomeParts = {
      ledger,
      waiting: this.#waiting,
      delayed: this.#delayed,
      retainer: this.#retainer,
    }
    this.#desk = new Desk({
      db,
      writer: this.#writer,
      ledger,
      waiting: this.#waiting,
      retainer: this.#retainer,
      isRunning: ({ seq }) => this.#transit.has(seq),
      running: () => this.#transit,
      withhold: (place) => this.#backlog.withhold(place),
      dropDue: (key) => this.#delayed.drop(key),
      enter: (entry) => this.#enter(entry),
      left: ({ seq }) => this.#live.delete(seq),
    })
  }

  async #load(): Promise<void> {
    await Promise.all([this.#backlog.load(this.#ledger.lanes), this.#delayed.load(), this.#retainer.load()])
  }

  watch(events: StoreEvents): void {
    this.#events = events
  }

  lane(task: string): number {
    return this.#ledger.lane(task)
  }

  task(lane: number): string | undefined {
    return this.#ledger.task(lane)
  }

  tasks(): string[] {
    return this.#ledger.tasks
  }

  add(jobs: readonly NewJob[]): Promise<Added[]> {
    return jobs.some(({ head }) => head?.key !== undefined)
      ? this.#explained(this.#names.add(jobs))
      : this.#add(jobs)
  }

  #add(jobs: readonly NewJob[]): Promise<Place[]> {
    const now = Date.now()
    const places: Place[] = []
    const waiting: JobEntry[] = []
    const delayed: DueEntry[] = []
    const put = (batch: Batch) => {
      for (const { lane, priority, head, input } of jobs) {
        const place = { lane, priority, seq: this.#ledger.next() }
        places.push(place)
        if (head?.key !== undefined) batch.put(nameKey(lane, head.key), jobKey('waiting', place).subarray(1))
        if (head?.runAt !== undefined && head.runAt > now) {
          delayed.push(this.#delayed.put(batch, place, head.runAt, encodeRecord(place, now, head, input)))
        } else {
          waiting.push(this.#waiting.add(batch, place, now, head, input))
          this.#ledger.add(lane, 'waiting', 1)
        }
      }
    }
    const after = () => this.#admit(waiting, delayed)
    return this.#writer.append(put, { sync: true, after }).then(() => places)
  }

  addOne({ lane, priority, head, input }: NewJob): Addition {
    this.#joining ??= this.#beginJoining()
    const { batch, entries, written } = this.#joining
    const place = { lane, priority, seq: this.#ledger.next() }
    const job = this.#waiting.add(batch, place, Date.now(), head, input)
    this.#ledger.add(lane, 'waiting', 1)
    entries.push(job)
    this.#writer.noteAdded(batch)
    return { job, written }
  }

  #beginJoining(): Joining {
    const entries: JobEntry[] = []
    const { batch, written } = this.#writer.join({ sync: true, after: () => this.#admit(entries, []) })
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
    const skipped = new Set<number>()
    const jobs: JobEntry[] = []
    for (let next = this.#backlog.next(skipped); next; next = this.#backlog.next(skipped)) {
      const answer = pick(next)
      if (answer === 'stop') break
      if (answer === 'skip') skipped.add(next.place.lane)
      else {
        this.#backlog.take(next)
        jobs.push(next)
      }
    }
    if (jobs.length === 0) return undefined
    const waybill: Waybill = { number: this.#ledger.next(), jobs, isAhead, left: jobs.length }
    this.#transit.enter(waybill)
    const value = encodeWaybill(jobs, isAhead)
    const written = this.#writer.append((batch) => batch.put(waybillKey(waybill.number), value))
    return { jobs, written }
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
      if (this.#retainer.isOverfull) this.#pruneSoon()
    }
    const written = this.#writer.append(put, { after })
    this.#transit.settle(settlements.map(({ job }) => job as JobEntry))
    return written
  }

  nextDue(): number | undefined {
    return this.#delayed.next
  }

  promote(now: number): Promise<number> {
    return this.#ownWork(this.#desk.alone(() => this.#delayed.promote(now, (jobs) => this.#admit(jobs, []))))
  }

  get(place: Place): Promise<StoredJob | undefined> {
    return this.#explained(this.#desk.get(place))
  }

  isLive(place: Place): boolean {
    return this.#live.has(place.seq)
  }

  isInTransit(place: Place): boolean {
    return this.#transit.has(place.seq)
  }

  list(query: ListQuery): Promise<StoredJob[]> {
    return this.#explained(this.#desk.list(query))
  }

  counts(lane?: number): JobCounts {
    return this.#ledger.counts(lane, this.#transit.count(lane))
  }

  cancel(place: Place): Promise<boolean> {
    return this.#explained(this.#desk.cancel(place))
  }

  revive(place: Place, attempts: number): Promise<boolean> {
    return this.#explained(this.#desk.revive(place, attempts)).then((revived) => {
      if (revived) this.#events.runnable()
      return revived
    })
  }

  remove(place: Place): Promise<boolean> {
    return this.#explained(this.#desk.remove(place))
  }

  clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    return this.#explained(this.#desk.alone(() => this.#retainer.clean(state, before, limit, lane)))
  }

  prune(now: number, isExact = true): Promise<void> {
    return this.#ownWork(this.#desk.alone(() => this.#retainer.prune(now, isExact)))
  }

  backup(target: string): Promise<BackedUp> {
    const copy = (snapshot: Snapshot) => backUp(this.#opened.db, snapshot, target, () => this.#isClosing)
    return this.#explained(this.#desk.look(copy))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#names.quiet()
    await this.#desk.quiet()
    await this.#writer.finish()
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
