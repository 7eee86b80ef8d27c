/**
 * A store in one LevelDB directory, for one process.
 *
 * A job lives under exactly one state's prefix and its id is its place in line. Small jobs that come in together share one
 * entry, and so do those that complete together; claims are written per waybill: the common path costs LevelDB a few
 * operations per group, not per job. See `keys.ts` for the layout, `chunk.ts` for what is shared, `group-commit.ts` for group
 * commit, `window.ts` for how the next jobs are found without seeking.
 *
 * This class opens the directory and passes each call to the part whose duty it is. `store-parts.ts` puts the parts together.
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
  Settlement,
  Store,
  StoreEvents,
  Waiting,
} from '../store.js'
import type { Adding } from './adding.js'
import type { Claiming } from './claiming.js'
import { Counters } from './counters.js'
import { Deletions } from './deletions.js'
import { type OpenDirectory, openDirectory } from './directory/directory.js'
import { CLOSING_KEY, DELETIONS_KEY } from './format/keys.js'
import { partsOf, sizeOf } from './format/record.js'
import type { Snapshot } from './group-commit.js'
import { type RecoveryOptions, recover } from './recovery.js'
import { type Books, StoreParts, type StoreSettings } from './store-parts.js'
import { backUp } from './transfer/backup.js'

export interface LevelStoreOptions extends StoreSettings, RecoveryOptions, TrustOptions {}

/** How far apart groups that acknowledge nothing begin while nobody is in a hurry. */
const INTERVAL_MS = 2

export class LevelStore implements Store {
  readonly #opened: OpenDirectory
  readonly #parts: StoreParts
  readonly #adding: Adding
  readonly #claiming: Claiming
  #events: StoreEvents = { runnable() {}, due() {}, broken() {} }
  #pruning: Promise<void> | undefined
  #isReleased = false
  isHurried = true
  #isClosing = false
  #closed: Promise<void> | undefined

  /** Opens the directory, making or recovering it. Throws as `openDirectory` does. */
  static async open(
    directory: string,
    options: LevelStoreOptions,
  ): Promise<{ store: LevelStore; recovered: Recovered }> {
    const opened = await openDirectory(directory, options)
    const { db } = opened
    try {
      const books = {
        counters: await Counters.read(db),
        deletions: Deletions.from(await db.get(DELETIONS_KEY)),
      }
      const store = new LevelStore(opened, books, options)
      const { commits, counters, waiting: stored, finished } = store.#parts
      const { returned, failed } = await recover(
        { db, commits, counters, waiting: stored, finished },
        options,
      )
      await store.#load()
      const { waiting, delayed } = store.counts()
      return { store, recovered: { returned, failed, waiting: waiting + delayed } }
    } catch (error) {
      await opened.close()
      throw opened.explain(error)
    }
  }

  private constructor(opened: OpenDirectory, books: Books, options: LevelStoreOptions) {
    this.#opened = opened
    const broken = (error: unknown) => {
      // What was being read ahead when the directory was released is not needed any more.
      if (!this.#isReleased) this.#events.broken(opened.explain(error))
    }
    opened.onDamage(broken)
    this.#parts = new StoreParts(opened, books, options, {
      runnable: () => this.#events.runnable(),
      due: () => this.#events.due(),
      broken,
      settled: () => {
        if (this.#parts.finished.pruning.isDue) this.#pruneSoon()
      },
      intervalMs: () => (this.isHurried ? 0 : INTERVAL_MS),
    })
    this.#adding = this.#parts.adding
    this.#claiming = this.#parts.claiming
  }

  async #load(): Promise<void> {
    await Promise.all([
      this.#parts.backlog.load(this.#parts.counters.waitingLanes),
      this.#parts.delayed.load(),
    ])
    this.#parts.compaction.soon()
  }

  watch(events: StoreEvents): void {
    this.#events = events
  }

  lane(task: string): number {
    return this.#parts.counters.lane(task)
  }

  findLane(task: string): number | undefined {
    return this.#parts.counters.findLane(task)
  }

  task(lane: number): string | undefined {
    return this.#parts.counters.task(lane)
  }

  tasks(): string[] {
    return this.#parts.counters.tasks
  }

  busyLanes(): ReadonlySet<number> {
    return this.#parts.counters.busyLanes
  }

  add(jobs: readonly NewJob[], at = Date.now()): Promise<Added[]> {
    return jobs.some(({ head }) => head?.key !== undefined)
      ? this.#explained(this.#adding.addKeyed(jobs, at))
      : this.#adding.add(jobs, at)
  }

  find(lane: number, key: string): Promise<Place | undefined> {
    return this.#explained(this.#adding.find(lane, key))
  }

  addOne(job: NewJob): Addition {
    return this.#adding.addOne(job)
  }

  claim(pick: (candidate: Waiting) => Pick, isInDoubt?: () => boolean): Claim | undefined {
    return this.#claiming.claim(pick, isInDoubt)
  }

  release(lane: number): void {
    this.#parts.backlog.release(lane)
  }

  noteStarted(job: Claimed, at: number): void {
    this.#claiming.noteStarted(job, at)
  }

  note(job: Claimed, notes: NewNotes): void {
    this.#claiming.note(job, notes)
  }

  checkpoint(job: Claimed, saved: Uint8Array): Promise<boolean> {
    return this.#claiming.checkpoint(job, saved)
  }

  settle(settlements: readonly Settlement[]): Promise<number> {
    return this.#claiming.settle(settlements)
  }

  nextDue(): number | undefined {
    return this.#parts.delayed.next
  }

  promote(now: number): Promise<number> {
    return this.#ownWork(
      this.#parts.changes.inTurn(() =>
        this.#parts.delayed.promote(now, (jobs) => this.#adding.admit(jobs, [])),
      ),
    )
  }

  get(place: Place): Promise<StoredJob | undefined> {
    return this.#explained(this.#parts.queries.get(place))
  }

  isLive(place: Place): boolean {
    return this.#parts.live.has(place.seq)
  }

  isInTransit(place: Place): boolean {
    return this.#parts.transit.has(place.seq)
  }

  list(query: ListQuery): Promise<StoredJob[]> {
    return this.#explained(this.#parts.queries.list(query))
  }

  counts(lane?: number): JobCounts {
    return this.#parts.counters.counts(lane, this.#parts.transit.count(lane))
  }

  backlogBytes(): number {
    const { counters, transit } = this.#parts
    return counters.bytes('waiting') + counters.bytes('delayed') - transit.bytes
  }

  bytesOf({ lane, priority, head, input }: NewJob): number {
    return sizeOf(partsOf({ lane, priority, seq: 0 }, 0, head, input))
  }

  changeOne(place: Place, change: JobChange): Promise<boolean> {
    return this.#explained(this.#parts.changes.changeOne(place, change))
  }

  changeAll(
    filter: JobFilter,
    change: JobChange,
    changed: (jobs: readonly StoredJob[], at: number) => void = () => {},
  ): Promise<number> {
    return this.#explained(this.#parts.changes.changeAll(filter, change, changed))
  }

  clean(state: FinishedState, before: number, limit: number, lane?: number): Promise<number> {
    return this.#explained(
      this.#parts.changes.inTurn(() => this.#parts.finished.pruning.clean(state, before, limit, lane)),
    )
  }

  prune(now: number, isExact = true): Promise<void> {
    return this.#ownWork(this.#parts.changes.inTurn(() => this.#parts.finished.pruning.prune(now, isExact)))
  }

  backup(target: string, trust: TrustOptions = {}): Promise<BackedUp> {
    const { db, path: source } = this.#opened
    const copy = (snapshot: Snapshot) =>
      backUp(db, snapshot, { source, target, trust }, () => this.#isClosing)
    return this.#explained(this.#parts.queries.look(copy))
  }

  markClosing(): Promise<void> {
    return this.#explained(this.#parts.commits.append((batch) => batch.put(CLOSING_KEY, Buffer.alloc(0))))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    const isAtRest = this.#parts.compaction.stop()
    await this.#adding.quiet()
    await this.#parts.changes.quiet()
    await this.#parts.queries.quiet()
    this.#parts.notes.flush()
    // What compaction has given back is not to be counted as deleted.
    await isAtRest
    await this.#parts.commits.finish()
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
