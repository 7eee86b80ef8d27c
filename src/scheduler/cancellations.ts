/** Who waits to hear whether a job in transit was cancelled. It is, if it has not been handed to a thread yet. */
export class Cancellations {
  readonly #waiting = new Map<number, ((wasCancelled: boolean) => void)[]>()

  /** Fulfilled when the job with this seq is settled, or given back. */
  ask(seq: number): Promise<boolean> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(seq) ?? []
      this.#waiting.set(seq, [...others, resolve])
    })
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  has(seq: number): boolean {
    return this.#waiting.has(seq)
  }

  answer(seq: number, wasCancelled: boolean): void {
    for (const resolve of this.#waiting.get(seq) ?? []) resolve(wasCancelled)
    this.#waiting.delete(seq)
  }

  /** Nothing more will be settled. */
  giveUp(): void {
    for (const seq of [...this.#waiting.keys()]) this.answer(seq, false)
  }
}
