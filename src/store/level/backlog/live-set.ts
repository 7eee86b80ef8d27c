/**
 * The seqs of jobs that this process has seen enter the store and not seen finish, at about a bit each: so that asking after
 * a job that is simply still waiting costs no read. Seqs are nearly dense, so they are kept as pages of bits.
 */
const PAGE_BITS = 8192
const WORD_BITS = 32

interface Page {
  readonly words: Uint32Array
  /** How many bits are set: an empty page is dropped. */
  count: number
}

export class LiveSet {
  readonly #pages = new Map<number, Page>()

  has(seq: number): boolean {
    const words = this.#pages.get(Math.floor(seq / PAGE_BITS))?.words
    return words !== undefined && ((words[wordOf(seq)] ?? 0) & maskOf(seq)) !== 0
  }

  add(seq: number): void {
    const number = Math.floor(seq / PAGE_BITS)
    let page = this.#pages.get(number)
    if (!page) {
      page = { words: new Uint32Array(PAGE_BITS / WORD_BITS), count: 0 }
      this.#pages.set(number, page)
    }
    const word = page.words[wordOf(seq)] ?? 0
    if ((word & maskOf(seq)) !== 0) return
    page.words[wordOf(seq)] = word | maskOf(seq)
    page.count++
  }

  delete(seq: number): void {
    const number = Math.floor(seq / PAGE_BITS)
    const page = this.#pages.get(number)
    const word = page?.words[wordOf(seq)] ?? 0
    if (!page || (word & maskOf(seq)) === 0) return
    page.words[wordOf(seq)] = word & ~maskOf(seq)
    if (--page.count === 0) this.#pages.delete(number)
  }
}

function wordOf(seq: number): number {
  return Math.floor((seq % PAGE_BITS) / WORD_BITS)
}

function maskOf(seq: number): number {
  return 1 << (seq % WORD_BITS)
}
