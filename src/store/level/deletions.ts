/**
 * How many entries of each kind were deleted since they were last compacted, by this process and those before it. Compaction goes by that:
 * an application that is restarted often deletes little each time.
 *
 * It is an estimate. What a process has deleted since it was written last is not counted if that process is killed.
 */
import { checked, checkedValue, isChecked } from './format/checked.js'
import { DELETIONS_KEY, readUint48 } from './format/keys.js'

/** How many more deletions there are before they are written. */
const WRITE_EACH = 1000
/** What is written of each kind: prefix:1 count:6. */
const KIND_BYTES = 7

export class Deletions {
  readonly #counts = new Float64Array(256)
  /** How much has changed since it was written. */
  #unwritten = 0

  /** `stored`: what was written last. If it has changed on disk, nothing is known. */
  static from(stored: Buffer | undefined): Deletions {
    const deletions = new Deletions()
    if (!stored || !isChecked(DELETIONS_KEY, stored)) return deletions
    const value = checkedValue(DELETIONS_KEY, stored)
    for (let at = 0; at + KIND_BYTES <= value.length; at += KIND_BYTES)
      deletions.#counts[value[at] as number] = readUint48(value, at + 1)
    return deletions
  }

  add(key: Buffer): void {
    const kind = key[0] ?? 0
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1
    this.#unwritten++
  }

  /** `prefix`: the first character of the keys. */
  of(prefix: string): number {
    return this.#counts[prefix.charCodeAt(0)] ?? 0
  }

  /** So many of them take no more space. */
  forget(prefix: string, count: number): void {
    this.#counts[prefix.charCodeAt(0)] = this.of(prefix) - count
    this.#unwritten += count
  }

  /** What is to be written under `DELETIONS_KEY`, if much has changed since; `isLast`: if anything has. */
  seal(isLast = false): Buffer | undefined {
    if (this.#unwritten === 0 || (this.#unwritten < WRITE_EACH && !isLast)) return undefined
    this.#unwritten = 0
    const kinds = [...this.#counts.keys()].filter((kind) => this.#counts[kind] !== 0)
    const value = Buffer.alloc(kinds.length * KIND_BYTES)
    kinds.forEach((kind, index) => {
      value[index * KIND_BYTES] = kind
      value.writeUIntBE(this.#counts[kind] as number, index * KIND_BYTES + 1, 6)
    })
    return checked(DELETIONS_KEY, value)
  }
}
