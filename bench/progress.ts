/** Says on standard error what the bench is measuring: which question, row and round, and how long the question still takes. */
import type { Step } from './rounds.js'

export class Progress {
  readonly #question: string
  readonly #stream: { readonly isTTY?: boolean; write(text: string): unknown }
  readonly #now: () => number
  /** How long each row took the last time that it was measured. */
  readonly #msOf = new Map<string, number>()
  #began: { readonly row: string; readonly at: number } | undefined

  constructor(
    question: string,
    stream: { readonly isTTY?: boolean; write(text: string): unknown } = process.stderr,
    now: () => number = Date.now,
  ) {
    this.#question = question
    this.#stream = stream
    this.#now = now
  }

  /** A measurement begins. */
  begin({ row, rows, round, rounds }: Step): void {
    this.end()
    this.#began = { row, at: this.#now() }
    const left = this.#secondsLeft({ row, rows, round, rounds })
    const text =
      `${this.#question}: ${row} (row ${rows.indexOf(row) + 1} of ${rows.length}, round ${round} of ${rounds})` +
      (left === undefined ? '' : `, ${left} s left`)
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
  }

  /** The last measurement has ended; the line makes room. */
  end(): void {
    if (this.#began) this.#msOf.set(this.#began.row, this.#now() - this.#began.at)
    if (this.#began && this.#stream.isTTY) this.#stream.write('\r\x1b[K')
    this.#began = undefined
  }

  /** Known once each row has been measured: rows take very different times. */
  #secondsLeft({ row, rows, round, rounds }: Step): number | undefined {
    if (rows.some((each) => !this.#msOf.has(each))) return undefined
    const msOf = (some: readonly string[]) => some.reduce((sum, each) => sum + (this.#msOf.get(each) ?? 0), 0)
    return Math.ceil((msOf(rows.slice(rows.indexOf(row))) + (rounds - round) * msOf(rows)) / 1000)
  }
}
