/**
 * Group commit: everything that is to be written goes through here, in order, one LevelDB batch at a time.
 *
 * ```
 *  idle ──append──▶ gathering ──end of this turn, or large──▶ writing ──done, more came meanwhile──▶ writing
 *    ▲                                                          │  └──write failed──▶ broken
 *    └──────────────────────done, nothing came──────────────────┘
 * ```
 *
 * Whatever is appended while a batch is being written makes up the next one: the slower the disk, the larger the groups, up to
 * some megabytes; then another is gathered behind it. A group is atomic. Once it is written its `after`s run in order, all
 * before the next group is begun and before anything that `between` was given: there, memory and disk agree.
 * Groups are written in the asynchronous context of `open`. A caller's would be kept for as long as the queue is not at rest.
 */
import { AsyncResource } from 'node:async_hooks'
import type { Level } from 'level'
import { StoreError } from '../../errors/directory-errors.js'
import { Deletions } from './deletions.js'
import { DELETIONS_KEY, SYNCED_KEY } from './format/keys.js'

export type Database = Level<Buffer, Buffer>
export type Snapshot = ReturnType<Database['snapshot']>

/** From so many bytes on a group does not wait for the end of the turn. */
const EAGER_BYTES = 512 * 1024
/** A group that has come to so many bytes takes nothing more. */
const FULL_BYTES = 8 * 1024 * 1024

/** A LevelDB batch that knows how large it is. */
export class Batch {
  readonly #batch: ReturnType<Database['batch']>
  readonly #deletions: Deletions
  #bytes = 0

  /** Counts what is deleted in `deletions`. */
  constructor(db: Database, deletions = new Deletions()) {
    this.#batch = db.batch()
    this.#deletions = deletions
  }

  get bytes(): number {
    return this.#bytes
  }

  put(key: Buffer, value: Buffer): void {
    this.#bytes += value.byteLength
    this.#batch.put(key, value)
  }

  del(key: Buffer): void {
    this.#deletions.add(key)
    this.#batch.del(key)
  }

  /** Puts a value, or deletes the key if there is none. */
  set(key: Buffer, value: Buffer | undefined): void {
    if (value) this.put(key, value)
    else this.del(key)
  }

  write(sync: boolean): Promise<void> {
    return this.#batch.write({ sync })
  }
}

interface GroupOptions {
  /** Whether it must survive a power cut. */
  readonly sync?: boolean
  /** Called once it is written. */
  readonly after?: () => void
}

interface Group {
  readonly batch: Batch
  readonly afters: (() => void)[]
  readonly written: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Whether something in it must survive a power cut. */
  wantsSync: boolean
  /** Known once it is sealed. */
  willSync: boolean
  /** Whether it is complete: it may wait for those before it to be written. */
  isSealed: boolean
}

export class GroupCommit {
  readonly deletions: Deletions
  readonly #db: Database
  readonly #fsync: boolean
  readonly #seal: (batch: Batch, isLasting: boolean) => (() => void) | undefined
  readonly #assertThere: () => Promise<void> | undefined
  readonly #onBroken: (error: Error) => void
  readonly #intervalMs: () => number
  readonly #mustSync: () => boolean
  readonly #betweens: (() => void)[] = []
  readonly #context = new AsyncResource('millrace.writes')
  /** Those that are still to be written, in order. Only the last one may not be sealed. */
  readonly #groups: Group[] = []
  #writing: Promise<void> | undefined
  #broken: Error | undefined
  #hasWritten = false
  #timer: NodeJS.Timeout | undefined
  #begunAt = Number.NEGATIVE_INFINITY

  /**
   * `seal` adds what belongs into every group, just before it is written, and may return an `after`. `isLasting`: the group is
   * as durable as any. `assertThere` looks while a group is written, and rejects if it was written to nowhere.
   */
  constructor(
    db: Database,
    options: {
      fsync: boolean
      seal: (batch: Batch, isLasting: boolean) => (() => void) | undefined
      assertThere: () => Promise<void> | undefined
      onBroken: (error: Error) => void
      /** What was deleted before. Default: nothing. */
      deletions?: Deletions
      /** Whether the group must not be lost where later ones are kept, though nobody asked for it. Default: no. */
      mustSync?: () => boolean
      /** How far apart the beginnings of groups without `sync` are to be at least, in ms. Default 0. */
      intervalMs?: () => number
    },
  ) {
    this.#db = db
    this.#fsync = options.fsync
    this.deletions = options.deletions ?? new Deletions()
    this.#seal = options.seal
    this.#assertThere = options.assertThere
    this.#onBroken = options.onBroken
    this.#intervalMs = options.intervalMs ?? (() => 0)
    this.#mustSync = options.mustSync ?? (() => false)
  }

  /**
   * Adds to the group that is written next. `put` must not throw. Fulfilled when the group survives the death of the process,
   * with `sync` (and unless fsync is off) also a power cut.
   */
  append(put: (batch: Batch) => void, options: GroupOptions = {}): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken)
    const { batch, written } = this.join(options)
    put(batch)
    this.noteAdded(batch)
    return written
  }

  /**
   * Joins the group that is being gathered: until it is sealed its batch may be added to. `noteAdded` must be told of it.
   *
   * @throws {StoreError} a write has failed.
   */
  join({ sync = false, after }: GroupOptions): { batch: Batch; written: Promise<void> } {
    if (this.#broken) throw this.#broken
    const group = this.#gathering ?? this.#begin()
    if (sync && !group.wantsSync) {
      group.wantsSync = true
      this.#flushSoon(0)
    }
    if (after) group.afters.push(after)
    return group
  }

  /** Something was added to a batch that was joined. */
  noteAdded(batch: Batch): void {
    if (batch.bytes < EAGER_BYTES) return
    const group = this.#gathering
    if (batch.bytes >= FULL_BYTES && group?.batch === batch)
      this.#context.runInAsyncScope(this.#sealGroup, this, group)
    this.#flush()
  }

  /** Runs `look` where memory and disk agree: at once if nothing is being written, else right after that. */
  between(look: () => void): void {
    if (this.#writing) this.#betweens.push(look)
    else look()
  }

  /** Whether nothing is to be written, and nothing has been begun to be for so long. */
  isQuiet(forMs: number): boolean {
    return !this.#writing && this.#groups.length === 0 && performance.now() - this.#begunAt >= forMs
  }

  /** Fulfilled when what was appended before the call is written, or was not. */
  async caughtUp(): Promise<void> {
    await (this.#groups.at(-1)?.written ?? this.#writing)?.catch(() => {})
  }

  /** Fulfilled when nothing is left to write. */
  async drain(): Promise<void> {
    while (this.#groups.length > 0 || this.#writing) await this.caughtUp()
  }

  /**
   * Fulfilled when nothing is left to write and, unless fsync is off, all of it is on disk. A last group behind the fsync
   * shows later that this was so: then a changed byte anywhere before is damage, and no torn end.
   */
  async finish(): Promise<void> {
    await this.drain()
    const deleted = this.deletions.seal(true)
    if (deleted) await this.append((batch) => batch.put(DELETIONS_KEY, deleted)).catch(() => {})
    if (!this.#fsync || !this.#hasWritten) return
    await this.append(() => {}, { sync: true }).catch(() => {})
    await this.append((batch) => batch.put(SYNCED_KEY, Buffer.of(1))).catch(() => {})
  }

  get #gathering(): Group | undefined {
    const last = this.#groups.at(-1)
    return last?.isSealed ? undefined : last
  }

  #begin(): Group {
    const { promise: written, resolve, reject } = withResolvers()
    // Each caller handles its own rejection; the group's promise may have no other reader.
    written.catch(() => {})
    this.#flushSoon(this.#intervalMs())
    const batch = new Batch(this.#db, this.deletions)
    const group = {
      batch,
      afters: [],
      written,
      resolve,
      reject,
      wantsSync: false,
      willSync: false,
      isSealed: false,
    }
    this.#groups.push(group)
    return group
  }

  /** At the end of this turn, or when the last group was begun so long ago. */
  #flushSoon(intervalMs: number): void {
    if (this.#writing) return
    const waitMs = intervalMs && this.#begunAt + intervalMs - performance.now()
    if (waitMs > 0) this.#timer ??= setTimeout(() => this.#flush(), waitMs)
    else queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    if (!this.#writing) this.#context.runInAsyncScope(this.#writeNext, this)
  }

  #writeNext(): void {
    const group = this.#groups.shift()
    if (!group) return
    this.#begunAt = performance.now()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#write(group).finally(() => {
      this.#writing = undefined
      for (const look of this.#betweens.splice(0)) look()
      const [next] = this.#groups
      if (next) this.#flushSoon(next.wantsSync || next.isSealed ? 0 : this.#intervalMs())
    })
  }

  /** Adds what belongs to all that was put into it. Nothing more joins it. */
  #sealGroup(group: Group): void {
    group.isSealed = true
    group.willSync = (group.wantsSync || this.#mustSync()) && this.#fsync
    const after = this.#seal(group.batch, group.willSync || !this.#fsync)
    if (after) group.afters.push(after)
    if (group.willSync) group.batch.put(SYNCED_KEY, Buffer.alloc(0))
  }

  async #write(group: Group): Promise<void> {
    try {
      if (this.#broken) throw this.#broken
      if (!group.isSealed) this.#sealGroup(group)
      const look = this.#assertThere()
      look?.catch(() => {})
      await group.batch.write(group.willSync)
      if (look) await look
      this.#hasWritten = true
    } catch (error) {
      group.reject(this.#break(error))
      return
    }
    for (const after of group.afters) after()
    group.resolve()
  }

  /** After a failed write LevelDB's state is unknown: nothing more may be acknowledged. */
  #break(cause: unknown): Error {
    if (this.#broken) return this.#broken
    this.#broken = new StoreError('writing to the directory', cause)
    this.#onBroken(this.#broken)
    return this.#broken
  }
}

function withResolvers() {
  let resolve: () => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
