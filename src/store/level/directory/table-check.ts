/**
 * Checks what stands in the tables. LevelDB does not look at their checksums when it reads: it would miss jobs in silence, or
 * end the process over keys that are out of order.
 *
 * ```
 *  checkFirst: as many tables as take a moment, before LevelDB opens ──▶ checkRest: the others, bit by bit ──▶ done, or stop
 * ```
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CorruptError } from '../../../errors/directory-errors.js'
import { readRegular } from '../../../files/regular-file.js'
import { damagedBlocks } from '../leveldb/table-file.js'

/** What is checked before LevelDB opens, in bytes: a tenth of a second or so. */
const FIRST_BYTES = 16 * 1024 * 1024
/** After each of the other tables (2 MiB, mostly), so that checking takes no more than a few percent of a core. */
const REST_MS = 50

export class TableCheck {
  readonly #directory: string
  /** Those that were not checked yet. */
  readonly #left: string[]
  readonly #stop = new AbortController()
  #rest: Promise<void> | undefined

  /** The newest tables are checked first: LevelDB works on them first. */
  constructor(directory: string, oldestFirst: readonly string[]) {
    this.#directory = directory
    this.#left = [...oldestFirst]
  }

  /** @throws {CorruptError} a table has changed. */
  async checkFirst(): Promise<void> {
    for (let bytes = 0; bytes < FIRST_BYTES && this.#left.length > 0; ) bytes += await this.#checkNext()
  }

  /** Goes on with the others, and tells of the first that has changed. */
  checkRest(tell: (error: unknown) => void): void {
    this.#rest = this.#checkAll().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) tell(error)
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#rest
  }

  async #checkAll(): Promise<void> {
    const { signal } = this.#stop
    while (this.#left.length > 0) {
      await setTimeout(REST_MS, undefined, { ref: false, signal })
      await this.#checkNext()
    }
  }

  /** Returns the length of the table. */
  async #checkNext(): Promise<number> {
    const name = this.#left.pop() as string
    const bytes = await readRegular(join(this.#directory, name)).catch((error: NodeJS.ErrnoException) => {
      // LevelDB has merged it into others.
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (!bytes) return 0
    if (damagedBlocks(bytes)?.length !== 0)
      throw new CorruptError(this.#directory, `its file ${name} has changed`)
    return bytes.length
  }
}
