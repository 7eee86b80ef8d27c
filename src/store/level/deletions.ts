/** How many entries of each kind were deleted since they were last compacted. */
export class Deletions {
  readonly #counts = new Float64Array(256)

  add(key: Buffer): void {
    const kind = key[0] ?? 0
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1
  }

  /** `prefix`: the first character of the keys. */
  of(prefix: string): number {
    return this.#counts[prefix.charCodeAt(0)] ?? 0
  }

  /** So many of them take no more space. */
  forget(prefix: string, count: number): void {
    this.#counts[prefix.charCodeAt(0)] = this.of(prefix) - count
  }
}
