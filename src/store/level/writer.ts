/**
 * Group commit: everything that is to be written goes through here, in order, one LevelDB batch at a time.
 *
 * ```
 *  idle ──append──▶ gathering ──end of this turn──▶ writing ──done, more came meanwhile──▶ writing
 *    ▲                                                 │  └──write failed──▶ broken
 *    └──────────────────done, nothing came─────────────┘
 * ```
 *
 * Whatever is appended while a batch is being written makes up the next one: the slower the disk, the larger the groups. A
 * group is atomic. Once it is written its `after`s run in order, all before the next group is begun and before anything that
 * `between` was given: there, memory and disk agree.
 */
import type { Level } from 'level'
import { StoreError } from '../../errors.js'
import { SYNCED_KEY } from './keys.js'

export type Database = Level<Buffer, Buffer>
export type Batch = ReturnType<typeof batchOf>
export type Snapshot = ReturnType<Database['snapshot']>

function batchOf(db: Database) {
  return db.batch()
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
  sync: boolean
}

export class Writer {
  readonly #db: Database
  readonly #fsync: boolean
  readonly #seal: (batch: Batch, isLasting: boolean) => (() => void) | undefined
  readonly #assertThere: () => Promise<void> | undefined
  readonly #onBroken: (error: Error) => void
  readonly #intervalMs: () => number
  readonly #mustSync: () => boolean
  readonly #betweens: (() => void)[] = []
  #gathering: Group | undefined
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
      /** Whether the group must not be lost where later ones are kept, though nobody asked for it. Default: no. */
      mustSync?: () => boolean
      /** How far apart the beginnings of groups without `sync` are to be at least, in ms. Default 0. */
      intervalMs?: () => number
    },
  ) {
    this.#db = db
    this.#fsync = options.fsync
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
    return written
  }

  /** Joins the group that is written next: until then its batch may be added to. @throws {StoreError} a write has failed. */
  join({ sync = false, after }: GroupOptions): { batch: Batch; written: Promise<void> } {
    if (this.#broken) throw this.#broken
    this.#gathering ??= this.#begin()
    const group = this.#gathering
    if (sync && !group.sync) {
      group.sync = true
      this.#flushSoon(0)
    }
    if (after) group.afters.push(after)
    return group
  }

  /** Runs `look` where memory and disk agree: at once if nothing is being written, else right after that. */
  between(look: () => void): void {
    if (this.#writing) this.#betweens.push(look)
    else look()
  }

  /** Fulfilled when what was appended before the call is written, or was not. */
  async caughtUp(): Promise<void> {
    await (this.#gathering?.written ?? this.#writing)?.catch(() => {})
  }

  /** Fulfilled when nothing is left to write. */
  async drain(): Promise<void> {
    while (this.#gathering || this.#writing)
      await (this.#writing ?? this.#gathering?.written)?.catch(() => {})
  }

  /**
   * Fulfilled when nothing is left to write and, unless fsync is off, all of it is on disk. A last group behind the fsync
   * shows later that this was so: then a changed byte anywhere before is damage, and no torn end.
   */
  async finish(): Promise<void> {
    await this.drain()
    if (!this.#fsync || !this.#hasWritten) return
    await this.append(() => {}, { sync: true }).catch(() => {})
    await this.append((batch) => batch.put(SYNCED_KEY, Buffer.of(1))).catch(() => {})
  }

  #begin(): Group {
    const { promise: written, resolve, reject } = withResolvers()
    // Each caller handles its own rejection; the group's promise may have no other reader.
    written.catch(() => {})
    this.#flushSoon(this.#intervalMs())
    return { batch: batchOf(this.#db), afters: [], written, resolve, reject, sync: false }
  }

  /** At the end of this turn, or when the last group was begun so long ago. */
  #flushSoon(intervalMs: number): void {
    if (this.#writing) return
    const waitMs = intervalMs && this.#begunAt + intervalMs - performance.now()
    if (waitMs > 0) this.#timer ??= setTimeout(() => this.#flush(), waitMs)
    else queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    const group = this.#gathering
    if (!group || this.#writing) return
    this.#gathering = undefined
    this.#begunAt = performance.now()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#write(group).finally(() => {
      this.#writing = undefined
      for (const look of this.#betweens.splice(0)) look()
      if (this.#gathering) this.#flushSoon(this.#gathering.sync ? 0 : this.#intervalMs())
    })
  }

  async #write(group: Group): Promise<void> {
    try {
      if (this.#broken) throw this.#broken
      const isSynced = (group.sync || this.#mustSync()) && this.#fsync
      const after = this.#seal(group.batch, isSynced || !this.#fsync)
      if (after) group.afters.push(after)
      if (isSynced) group.batch.put(SYNCED_KEY, Buffer.alloc(0))
      const look = this.#assertThere()
      look?.catch(() => {})
      await group.batch.write({ sync: isSynced })
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
    if (!this.#broken) {
      this.#broken = new StoreError('writing to the directory', cause)
      this.#onBroken(this.#broken)
    }
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
