/**
 * Gives back the space of what was deleted. LevelDB deletes by writing a marker: the bytes go when it merges the tables that hold
 * them, which it does only while new entries come. A queue that has become empty would stay as large as it ever was, and a read
 * would walk over the markers.
 *
 * ```
 *  resting ──something was written──▶ waiting ──quiet for a second──▶ measuring ──much was deleted──▶ compacting
 *     ▲                                  ▲                               │                             │  │
 *     │                                  └───────────something is written┼─────────────────────────────┘  │
 *     └──────────────────────────────────────────little was deleted──────┴────────────done, or closing────┘
 * ```
 *
 * Each kind of entry is measured and compacted by itself, a slice of some megabytes at a time. A slice cannot be interrupted:
 * closing waits for one, and so may a write. Nothing is compacted while the queue writes.
 */
import type { CountedState, Counters } from './counters.js'
import { ID_BYTES } from './format/keys.js'
import type { Database, GroupCommit } from './group-commit.js'

/** What LevelDB offers beyond what every implementation of `level` does. */
interface Compactable {
  approximateSize(start: Buffer, end: Buffer): Promise<number>
  compactRange(start: Buffer, end: Buffer): Promise<void>
}

export interface CompactionParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
}

/** How long nothing is written before space is given back. */
const QUIET_MS = 1000
/** From so many deleted bytes on it is worth it, or so many deleted entries: a read may have to walk over them, in some 5 ms. */
const WORTH_BYTES = 16 * 1024 * 1024
const WORTH_ENTRIES = 5000
/** And from this share of all entries of a kind on: the others are written anew. */
const WORTH_SHARE = 0.2
const SLICE_BYTES = 16 * 1024 * 1024
/** So much of a key is looked at to cut a kind into slices. */
const KEY_BYTES = 1 + ID_BYTES
const BEHIND_ALL = Buffer.from('z')
/** Behind so much of a key, this makes one that is not in use: no key but those of names has this length. */
const NO_KEY = Buffer.alloc(2)

type Prefix = 'b' | 'g' | 'h' | 'n' | 'x' | 'd' | 't' | 'c' | 'o' | 'f' | 'a' | 'e' | 'k'

/** In which states the jobs are that entries of each kind belong to: so many may be left. */
const STATES: Readonly<Record<Prefix, readonly CountedState[]>> = {
  b: ['waiting'],
  g: ['waiting'],
  h: ['waiting'],
  n: ['waiting'],
  x: ['waiting'],
  d: ['delayed'],
  t: ['delayed'],
  c: ['completed'],
  o: ['completed'],
  f: ['failed'],
  a: ['cancelled'],
  e: ['completed', 'failed', 'cancelled'],
  k: ['waiting', 'delayed', 'completed', 'failed', 'cancelled'],
}

export class Compaction {
  readonly #commits: GroupCommit
  readonly #counters: Counters
  readonly #db: Database & Compactable
  readonly #failed: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #isStopped = false

  constructor({ db, commits, counters }: CompactionParts, failed: (error: unknown) => void) {
    // Outside of browsers `level` is `classic-level`, which its types do not say.
    this.#db = db as Database & Compactable
    this.#commits = commits
    this.#counters = counters
    this.#failed = failed
  }

  /** Something is written, or may have been deleted before: looks when nothing has been written for a while. */
  soon(): void {
    if (this.#timer || this.#working || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#isQuiet) this.#begin()
      else this.soon()
    }, QUIET_MS).unref()
  }

  /** Fulfilled when nothing is compacted any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#working
  }

  get #isQuiet(): boolean {
    return this.#commits.isQuiet(QUIET_MS)
  }

  #begin(): void {
    this.#working = this.#work()
      .then((isDone) => {
        this.#working = undefined
        if (!isDone || !this.#isQuiet) this.soon()
      })
      .catch(this.#failed)
  }

  /** Whether it was not interrupted. */
  async #work(): Promise<boolean> {
    for (const prefix of Object.keys(STATES) as Prefix[])
      if (await this.#isWorthIt(prefix)) {
        const { deletions } = this.#commits
        const counted = deletions.of(prefix)
        if (!(await this.#compact(prefix))) return false
        deletions.forget(prefix, counted)
      }
    return true
  }

  async #isWorthIt(prefix: Prefix): Promise<boolean> {
    if (this.#isStopped) return false
    const deleted = this.#commits.deletions.of(prefix)
    const counts = this.#counters.counts(undefined, 0)
    const left = STATES[prefix].reduce((sum, state) => sum + counts[state], 0)
    if (deleted === 0) return false
    const share = deleted / (deleted + left)
    if (deleted >= WORTH_ENTRIES && share >= WORTH_SHARE) return true
    const size = await this.#db.approximateSize(...rangeOf(prefix))
    return share >= WORTH_SHARE && size * share > WORTH_BYTES
  }

  /** Compacts all entries of a kind. `false`: it was interrupted. */
  async #compact(prefix: Prefix): Promise<boolean> {
    const [start, end] = rangeOf(prefix)
    // Writes what LevelDB has in memory to a table.
    await this.#db.compactRange(BEHIND_ALL, BEHIND_ALL)
    for (let from = start; from.compare(end) < 0; ) {
      if (this.#isStopped || !this.#isQuiet) return false
      const to = await this.#endOfSlice(from, end)
      if (prefix !== 'k') await this.#span(from, to)
      await this.#db.compactRange(from, to)
      from = to
    }
    return true
  }

  /**
   * Writes a table that reaches from one end of a slice to the other. LevelDB merges tables into those below them, and leaves alone what
   * is at the bottom: without this it would stay there, deleted or not. Deletes keys that are not in
   * use. These change nothing, so they need no group of their own, which would end the quiet.
   */
  async #span(from: Buffer, to: Buffer): Promise<void> {
    await this.#db.batch(
      [from, to].map((end) => ({ type: 'del' as const, key: Buffer.concat([end, NO_KEY]) })),
    )
  }

  /** The last key before which not much more than a slice's bytes stand, found by halving. */
  async #endOfSlice(from: Buffer, end: Buffer): Promise<Buffer> {
    if ((await this.#db.approximateSize(from, end)) <= SLICE_BYTES) return end
    let low = numberOf(from)
    let high = numberOf(end)
    while (high - low > 1n && !this.#isStopped) {
      const middle = (low + high) / 2n
      if ((await this.#db.approximateSize(from, keyOf(middle))) <= SLICE_BYTES) low = middle
      else high = middle
    }
    return keyOf(high)
  }
}

/** All keys of a kind: from the first that is not before any to the first that is behind all. */
function rangeOf(prefix: Prefix): [Buffer, Buffer] {
  const first = BigInt(prefix.charCodeAt(0)) << SHIFT
  return [keyOf(first), keyOf(first + (1n << SHIFT))]
}

const SHIFT = BigInt(8 * (KEY_BYTES - 1))

/** The beginning of a key, as a number. */
function numberOf(key: Buffer): bigint {
  return BigInt(`0x${key.toString('hex')}`)
}

function keyOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * KEY_BYTES, '0'), 'hex')
}
