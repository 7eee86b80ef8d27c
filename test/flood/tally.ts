/** Accounts for every job of a flood: what enqueueing it came to, how it ended, and how often it ran. */
import type { Run } from './tasks.js'

const MOST_PROBLEMS = 10

export class Tally {
  readonly #acknowledged: Uint8Array
  readonly #refused: Uint8Array
  readonly #completed: Uint8Array
  /** Of each thread: how many of its runs came to light, and the highest count that it said. */
  readonly #threads = new Map<number, { seen: number; highest: number }>()
  readonly #problems: string[] = []
  readonly #size: number

  constructor(size: number) {
    this.#size = size
    this.#acknowledged = new Uint8Array(size)
    this.#refused = new Uint8Array(size)
    this.#completed = new Uint8Array(size)
  }

  readonly acknowledge = (n: number): void => {
    this.#note(this.#acknowledged, n)
  }

  readonly refuse = (n: number): void => {
    this.#note(this.#refused, n)
  }

  complete([n, thread, nth]: Run): void {
    this.#note(this.#completed, n)
    const runs = this.#threads.get(thread) ?? { seen: 0, highest: 0 }
    runs.seen++
    runs.highest = Math.max(runs.highest, nth)
    this.#threads.set(thread, runs)
  }

  problem(text: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(text)
  }

  get acknowledged(): number {
    return sumOf(this.#acknowledged)
  }

  get refused(): number {
    return sumOf(this.#refused)
  }

  /** What does not fit together, once the queue has nothing to do any more. */
  problems(): readonly string[] {
    for (let n = 0; n < this.#size; n++) {
      const [acknowledged, refused, completed] = [
        this.#acknowledged[n],
        this.#refused[n],
        this.#completed[n],
      ] as [number, number, number]
      if (acknowledged + refused !== 1)
        this.problem(`job ${n} was acknowledged ${acknowledged} times, refused ${refused} times`)
      if (completed !== acknowledged)
        this.problem(`job ${n} completed ${completed} times, acknowledged ${acknowledged} times`)
    }
    for (const [thread, { seen, highest }] of this.#threads)
      if (seen !== highest)
        this.problem(`thread ${thread} ran ${highest} jobs, of which ${seen} had an outcome`)
    return this.#problems
  }

  #note(counts: Uint8Array, n: number): void {
    if (!(n in counts)) this.problem(`there is no job ${n}`)
    counts[n] = (counts[n] ?? 0) + 1
  }
}

function sumOf(counts: Uint8Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
