/**
 * The waiting jobs: a window on the head of each lane that has some, from which the next job of all lanes is taken.
 *
 * ```
 *  no window ──a job joins──▶ in the heap ──all in memory taken, more on disk──▶ being read ──filled──▶ in the heap
 *      ▲                        │    │  ▲
 *      └──the last job is taken─┘    │  └──the claim ends──┐
 *                                    ├──a claim skips it──▶ set aside
 *                                    └──a claim holds it──▶ held ──release──▶ in the heap
 * ```
 *
 * A lane without waiting jobs has no window and costs nothing. A claim takes from the lane on top of the heap, so its cost
 * hardly grows with the number of lanes. Lanes that a claim skips are out of the heap until it ends. Lanes that it holds are out of
 * it until they are released.
 */
import type { Place } from '../../../job/job.js'
import { comparePlaces } from '../format/keys.js'
import type { GroupCommit } from '../group-commit.js'
import type { JobEntry } from './job-entry.js'
import { ABSENT, LaneHeap, type Line } from './lane-heap.js'
import type { WaitingJobs } from './waiting-jobs.js'
import { type Order, Window, type WindowSource } from './window.js'

export interface BacklogParts {
  readonly waiting: WaitingJobs
  readonly commits: GroupCommit
  /** Whether a job is in transit, and so waits no more although it is stored as waiting. */
  isRunning(seq: number): boolean
  /** Jobs have come into a window. */
  filled(): void
  failed(error: unknown): void
}

const PLACE_ORDER: Order<Place> = { compare: comparePlaces, nameOf: ({ seq }) => seq }
const WINDOW_JOBS = 8192
const WINDOW_BYTES = 8 * 1024 * 1024
/** How many windows are filled at a time when the store opens. */
const FILLED_AT_ONCE = 64

/** A lane that has a window. */
class LaneLine implements Line {
  readonly lane: number
  readonly window: Window<JobEntry, Place>
  priority = 0
  seq = 0
  at = ABSENT
  /** Whether it stays out of the heap until it is released. */
  isHeld = false

  constructor(lane: number, source: WindowSource<JobEntry, Place>) {
    this.lane = lane
    this.window = new Window(source, WINDOW_JOBS, WINDOW_BYTES)
  }
}

export class Backlog {
  readonly #parts: BacklogParts
  readonly #lines = new Map<number, LaneLine>()
  /** The lanes that have a first job and that the current claim has not skipped. */
  readonly #heap = new LaneHeap<LaneLine>()
  readonly #skipped: LaneLine[] = []
  /** Jobs that must not come into a window: they are being cancelled or removed. */
  readonly #withheld = new Set<number>()

  constructor(parts: BacklogParts) {
    this.#parts = parts
  }

  /** Reads the first jobs of the lanes that have waiting jobs on disk. */
  async load(lanes: readonly number[]): Promise<void> {
    for (let at = 0; at < lanes.length; at += FILLED_AT_ONCE)
      await Promise.all(lanes.slice(at, at + FILLED_AT_ONCE).map((lane) => this.#line(lane).window.fill()))
  }

  /** A job has joined the backlog on disk, or is free again. */
  insert(entry: JobEntry): void {
    const line = this.#line(entry.place.lane)
    line.window.insert(entry)
    this.#noteHead(line)
  }

  /** A job that was taken has left the backlog on disk. */
  forget({ place }: JobEntry): void {
    this.#lines.get(place.lane)?.window.forget(place)
  }

  /** The first waiting job of all lanes but the skipped ones: by priority, then by age. */
  next(): JobEntry | undefined {
    return this.#heap.first?.window.peek()
  }

  /** Takes the job that `next` gives. */
  take(): void {
    const line = this.#heap.first
    if (!line) return
    line.window.take()
    this.#noteHead(line)
  }

  /** Leaves out the lane of the job that `next` gives, until `endClaim`. */
  skip(): void {
    const line = this.#heap.first
    if (!line) return
    this.#heap.remove(line)
    this.#skipped.push(line)
  }

  /** Leaves out the lane of the job that `next` gives, until `release`. */
  hold(): void {
    const line = this.#heap.first
    if (!line) return
    this.#heap.remove(line)
    line.isHeld = true
  }

  /** Brings a lane back, if it is held. */
  release(lane: number): void {
    const line = this.#lines.get(lane)
    if (!line) return
    line.isHeld = false
    this.#noteHead(line)
  }

  /** Brings the skipped lanes back. */
  endClaim(): void {
    for (let line = this.#skipped.pop(); line; line = this.#skipped.pop()) this.#heap.place(line)
  }

  /** Keeps a waiting job from being claimed. Returns a function that ends this: the job has left the backlog, or is back in it. */
  withhold(place: Place): (back?: JobEntry) => void {
    this.#withheld.add(place.seq)
    const line = this.#lines.get(place.lane)
    if (line) {
      line.window.remove(place)
      this.#noteHead(line)
    }
    return (back) => {
      this.#withheld.delete(place.seq)
      if (back) this.insert(back)
      else this.#lines.get(place.lane)?.window.forget(place)
    }
  }

  /** The first job of a lane may be another one now. */
  #noteHead(line: LaneLine): void {
    const head = line.window.peek()
    if (!head) {
      this.#heap.remove(line)
      if (line.window.isCovering) this.#lines.delete(line.lane)
      return
    }
    if (line.isHeld) return
    const { priority, seq } = head.place
    if (line.at !== ABSENT && line.seq === seq) return
    line.priority = priority
    line.seq = seq
    this.#heap.place(line)
  }

  /** The line of a lane. A new one is empty: nothing of the lane waits on disk but what is withheld or in transit. */
  #line(lane: number): LaneLine {
    const known = this.#lines.get(lane)
    if (known) return known
    const { waiting, commits, isRunning, filled, failed } = this.#parts
    const line: LaneLine = new LaneLine(lane, {
      order: PLACE_ORDER,
      read: (after, limit) => waiting.holding(() => waiting.read(lane, after, limit)),
      between: (look) => commits.between(look),
      isFree: ({ place }) => !isRunning(place.seq) && !this.#withheld.has(place.seq),
      filled: () => {
        this.#noteHead(line)
        filled()
      },
      failed,
    })
    this.#lines.set(lane, line)
    return line
  }
}
