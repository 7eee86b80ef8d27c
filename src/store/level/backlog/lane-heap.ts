/**
 * The lanes that have a job to claim, as a binary heap. The lane whose first job comes before all others is on top: a job of
 * higher priority comes first, then the older one.
 */

/** A lane as the heap sees it. */
export interface Line {
  /** The place of its first job. Set it before `place` is called. */
  priority: number
  seq: number
  /** Its index in the heap; `ABSENT` if it is not there. Only the heap sets it. */
  at: number
}

export const ABSENT = -1

export class LaneHeap<L extends Line> {
  readonly #lines: L[] = []

  /** The lane whose first job comes next. */
  get first(): L | undefined {
    return this.#lines[0]
  }

  /** Puts a lane where it belongs: it is new here, or has another first job than before. */
  place(line: L): void {
    if (line.at === ABSENT) {
      line.at = this.#lines.length
      this.#lines.push(line)
    }
    if (this.#lines.length > 1) this.#sift(line)
  }

  /** Takes a lane out, if it is here. */
  remove(line: L): void {
    const { at } = line
    if (at === ABSENT) return
    line.at = ABSENT
    const last = this.#lines.pop()
    if (!last || last === line) return
    this.#set(at, last)
    this.#sift(last)
  }

  /** Moves a lane up past those that come after it, or down past those that come before it. */
  #sift(line: L): void {
    for (;;) {
      const parent = line.at > 0 ? this.#lines[(line.at - 1) >> 1] : undefined
      if (!parent || !isBefore(line, parent)) break
      this.#swap(line, parent)
    }
    for (;;) {
      const left = this.#lines[2 * line.at + 1]
      const right = this.#lines[2 * line.at + 2]
      const child = left && right && isBefore(right, left) ? right : left
      if (!child || !isBefore(child, line)) return
      this.#swap(line, child)
    }
  }

  #swap(a: L, b: L): void {
    const { at } = a
    this.#set(b.at, a)
    this.#set(at, b)
  }

  #set(at: number, line: L): void {
    this.#lines[at] = line
    line.at = at
  }
}

function isBefore(a: Line, b: Line): boolean {
  return a.priority !== b.priority ? a.priority < b.priority : a.seq < b.seq
}
