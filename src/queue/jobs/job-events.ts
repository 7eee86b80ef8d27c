/**
 * The events of single jobs, for those who follow one job: `for await (const event of job.events())`.
 *
 * ```
 *  following ──the job's outcome──▶ ending ──all was read──▶ done
 *      ├────────removed, or the queue closed──▶ failing ──all was read──▶ throws once, then done
 *      └────────break, return, abort──▶ done
 * ```
 *
 * A stream is registered when `events()` is called, and gone when it is done. What is not read yet waits in it: the newest progress
 * value, the newest lines of text, and every change of state.
 */
import { NoJobError } from '../../errors/errors.js'
import type { Place, StoredJob } from '../../job/job.js'
import { formatId } from '../../job/job-id.js'

/** What happens to a job. */
export type JobEvent<AnyJob> =
  | { readonly type: 'started' | 'retrying' | 'completed' | 'failed' | 'cancelled'; readonly job: AnyJob }
  | { readonly type: 'progress'; readonly job: AnyJob; readonly value: unknown }
  /** `dropped`: how many lines before this one were not read in time and are gone. */
  | { readonly type: 'log'; readonly job: AnyJob; readonly text: string; readonly dropped: number }

/** How many lines of text wait to be read. */
const MOST_LINES = 1000

/** The streams of all jobs that are followed. */
export class FollowedJobs<Job> {
  readonly #streams = new Map<number, Set<JobEventStream<Job>>>()

  get isEmpty(): boolean {
    return this.#streams.size === 0
  }

  isFollowed({ seq }: Place): boolean {
    return this.#streams.size > 0 && this.#streams.has(seq)
  }

  /** Follows a job. `read` looks it up: it may have finished already. `wrap` makes the job that its event shows. */
  follow(
    place: Place,
    signal: AbortSignal | undefined,
    read: () => Promise<StoredJob | undefined>,
    wrap: (job: StoredJob) => Job,
  ): AsyncIterableIterator<JobEvent<Job>> {
    const { seq } = place
    const stream = new JobEventStream<Job>(signal, () => this.#unfollow(seq, stream))
    const streams = this.#streams.get(seq)
    if (streams) streams.add(stream)
    else this.#streams.set(seq, new Set([stream]))
    read().then(
      (stored) => {
        if (!stored) return stream.fail(new NoJobError(formatId(place)))
        const { state } = stored
        if (state === 'completed' || state === 'failed' || state === 'cancelled')
          stream.end({ type: state, job: wrap(stored) })
      },
      (error: Error) => stream.fail(error),
    )
    return stream
  }

  /** Something has happened to a job. The event of its outcome ends its streams. */
  tell({ seq }: Place, event: JobEvent<Job>): void {
    for (const stream of this.#streams.get(seq) ?? [])
      if (event.type === 'completed' || event.type === 'failed' || event.type === 'cancelled')
        stream.end(event)
      else stream.push(event)
  }

  /** Nothing more will happen to a job. */
  fail({ seq }: Place, error: Error): void {
    for (const stream of this.#streams.get(seq) ?? []) stream.fail(error)
  }

  /** Nothing more will happen to any job. */
  failAll(error: Error): void {
    for (const streams of [...this.#streams.values()]) for (const stream of streams) stream.fail(error)
  }

  #unfollow(seq: number, stream: JobEventStream<Job>): void {
    const streams = this.#streams.get(seq)
    streams?.delete(stream)
    if (streams?.size === 0) this.#streams.delete(seq)
  }
}

/** Who awaits the next event. */
interface Reader<Job> {
  resolve(result: IteratorResult<JobEvent<Job>>): void
  reject(error: Error): void
}

class JobEventStream<Job> implements AsyncIterableIterator<JobEvent<Job>> {
  readonly #left: () => void
  readonly #signal: AbortSignal | undefined
  readonly #stop = (): void => this.#close()
  #unread: JobEvent<Job>[] = []
  #lines = 0
  #dropped = 0
  #isEnded = false
  #error: Error | undefined
  readonly #readers: Reader<Job>[] = []

  constructor(signal: AbortSignal | undefined, left: () => void) {
    this.#left = left
    this.#signal = signal
    if (signal?.aborted) queueMicrotask(this.#stop)
    else signal?.addEventListener('abort', this.#stop, { once: true })
  }

  push(event: JobEvent<Job>): void {
    if (this.#isEnded) return
    if (event.type === 'progress') this.#unread = this.#unread.filter(({ type }) => type !== 'progress')
    if (event.type === 'log') {
      if (this.#lines === MOST_LINES) this.#dropLine()
      this.#lines++
    }
    this.#unread.push(event)
    this.#answer()
  }

  end(event: JobEvent<Job>): void {
    this.push(event)
    this.#finish(undefined)
  }

  fail(error: Error): void {
    this.#finish(error)
  }

  next(): Promise<IteratorResult<JobEvent<Job>>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#answer()
    })
  }

  return(): Promise<IteratorResult<JobEvent<Job>>> {
    this.#close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Nobody reads on. */
  #close(): void {
    this.#unread = []
    this.#error = undefined
    this.#finish(undefined)
  }

  #finish(error: Error | undefined): void {
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#error = error
      this.#signal?.removeEventListener('abort', this.#stop)
      this.#left()
    }
    this.#answer()
  }

  #answer(): void {
    while (this.#readers.length > 0 && (this.#unread.length > 0 || this.#isEnded)) {
      const { resolve, reject } = this.#readers.shift() as Reader<Job>
      const event = this.#unread.shift()
      if (event) resolve({ done: false, value: this.#counted(event) })
      else if (this.#error) {
        reject(this.#error)
        this.#error = undefined
      } else resolve({ done: true, value: undefined })
    }
  }

  #counted(event: JobEvent<Job>): JobEvent<Job> {
    if (event.type !== 'log') return event
    this.#lines--
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped === 0 ? event : { ...event, dropped: event.dropped + dropped }
  }

  #dropLine(): void {
    const oldest = this.#unread.findIndex(({ type }) => type === 'log')
    this.#unread.splice(oldest, 1)
    this.#lines--
    this.#dropped++
  }
}
