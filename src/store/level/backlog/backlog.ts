/** The waiting jobs: a window on the head of each lane, from which the next job of all lanes is taken. */
import type { Place } from '../../../job/job.js'
import { comparePlaces } from '../format/keys.js'
import type { GroupCommit } from '../group-commit.js'
import type { JobEntry } from './job-entry.js'
import type { WaitingJobs } from './waiting-jobs.js'
import { type Order, Window } from './window.js'

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

export class Backlog {
  readonly #parts: BacklogParts
  readonly #windows = new Map<number, Window<JobEntry, Place>>()
  /** The same, to go through for each job. */
  readonly #lines: Window<JobEntry, Place>[] = []
  /** Jobs that must not come into a window: they are being cancelled or removed. */
  readonly #withheld = new Set<number>()

  constructor(parts: BacklogParts) {
    this.#parts = parts
  }

  async load(lanes: Iterable<number>): Promise<void> {
    await Promise.all([...lanes].map((lane) => this.#window(lane).fill()))
  }

  /** A job has joined the backlog on disk, or is free again. */
  insert(entry: JobEntry): void {
    this.#window(entry.place.lane).insert(entry)
  }

  /** A job that was taken has left the backlog on disk. */
  forget({ place }: JobEntry): void {
    this.#window(place.lane).forget(place)
  }

  /** The first waiting job of all lanes but these: by priority, then by age. */
  next(skipped: ReadonlySet<number>): JobEntry | undefined {
    let first: JobEntry | undefined
    for (const window of this.#lines) {
      const head = window.peek()
      if (!head || (skipped.size > 0 && skipped.has(head.place.lane))) continue
      if (!first || isBefore(head.place, first.place)) first = head
    }
    return first
  }

  /** Takes the job that `next` gave. */
  take({ place }: JobEntry): void {
    this.#window(place.lane).take()
  }

  /** Keeps a waiting job from being claimed. Returns how to let go of it: gone from the backlog, or back in it. */
  withhold(place: Place): (back?: JobEntry) => void {
    const window = this.#window(place.lane)
    this.#withheld.add(place.seq)
    window.remove(place)
    return (back) => {
      this.#withheld.delete(place.seq)
      if (back) window.insert(back)
      else window.forget(place)
    }
  }

  #window(lane: number): Window<JobEntry, Place> {
    const known = this.#windows.get(lane)
    if (known) return known
    const { waiting, commits, isRunning, filled, failed } = this.#parts
    const window = new Window<JobEntry, Place>(
      {
        order: PLACE_ORDER,
        read: (after, limit) => waiting.holding(() => waiting.read(lane, after, limit)),
        between: (look) => commits.between(look),
        isFree: ({ place }) => !isRunning(place.seq) && !this.#withheld.has(place.seq),
        filled,
        failed,
      },
      WINDOW_JOBS,
      WINDOW_BYTES,
    )
    this.#windows.set(lane, window)
    this.#lines.push(window)
    return window
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.priority !== b.priority ? a.priority < b.priority : a.seq < b.seq
}
