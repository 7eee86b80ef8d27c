/** Many entries, written a batch at a time: what is to be written does not gather in memory. For what no queue works on. */
import type { Database } from './group-commit.js'

const BATCH_BYTES = 1024 * 1024

export class BatchedWrites {
  readonly #db: Database
  #batch: ReturnType<Database['batch']>
  #bytes = 0

  constructor(db: Database) {
    this.#db = db
    this.#batch = db.batch()
  }

  async put(key: Buffer, value: Buffer): Promise<void> {
    this.#batch.put(key, value)
    this.#bytes += key.byteLength + value.byteLength
    if (this.#bytes >= BATCH_BYTES) await this.flush()
  }

  /** Writes what has not been written. Must be called last. */
  async flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = this.#db.batch()
    this.#bytes = 0
    await batch.write()
  }
}
