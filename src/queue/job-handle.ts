/** A job as the application holds it: what was known of it at one moment, and what can be done with it. */

import { decode } from '../codec/codec.js'
import type { Failure } from '../errors/error-data.js'
import { JobCancelledError, JobFailedError } from '../errors/errors.js'
import type { Backoff } from '../job/backoff.js'
import type { JobState, StoredJob } from '../job/job.js'
import { formatId } from '../job/job-id.js'

/** What a handle asks of its queue. */
export interface JobHost {
  taskOf(job: StoredJob): string
  attemptsOf(job: StoredJob): number
  finished(job: StoredJob): Promise<unknown>
  cancel(id: string): Promise<boolean>
  retry(id: string): Promise<void>
  remove(id: string): Promise<void>
}

/**
 * A job, as it was when this handle was made: its members do not change. `queue.job(id)` gives a new one.
 * Times are Dates, in `undefined` where they do not apply.
 */
export class Job<Input = unknown, Output = unknown> {
  readonly #host: JobHost
  readonly #stored: StoredJob

  /** Handles are made by the queue. */
  constructor(host: JobHost, stored: StoredJob) {
    this.#host = host
    this.#stored = stored
  }

  /** Identifies it in its directory: 24 hexadecimal digits. */
  get id(): string {
    return formatId(this.#stored.place)
  }

  get task(): string {
    return this.#host.taskOf(this.#stored)
  }

  get state(): JobState {
    return this.#stored.state
  }

  get priority(): number {
    return this.#stored.place.priority
  }

  get key(): string | undefined {
    return this.#stored.head.key
  }

  get meta(): unknown {
    const { meta } = this.#stored.head
    return meta && decode(meta)
  }

  /** Its input. A completed job no longer has one. */
  get input(): Input {
    return (this.state === 'completed' ? undefined : decode(this.#stored.body)) as Input
  }

  /** The output of a completed job. */
  get output(): Output {
    return (this.state === 'completed' ? decode(this.#stored.body) : undefined) as Output
  }

  /** How many attempts have been charged to it. */
  get attempt(): number {
    return this.#stored.head.attempt ?? 0
  }

  /** How many attempts it has in all. */
  get attempts(): number {
    return this.#host.attemptsOf(this.#stored)
  }

  get backoff(): Backoff | undefined {
    return this.#stored.head.backoff
  }

  /** Every failed attempt, the oldest first. */
  get failures(): readonly Failure[] {
    return this.#stored.head.failures ?? []
  }

  get enqueuedAt(): Date {
    return new Date(this.#stored.enqueuedAt)
  }

  /** When a delayed job runs at the earliest. */
  get runAt(): Date | undefined {
    return dateOf(this.#stored.head.runAt)
  }

  /** When the attempt that completed it started. */
  get startedAt(): Date | undefined {
    return dateOf(this.#stored.head.startedAt)
  }

  get finishedAt(): Date | undefined {
    return dateOf(this.#stored.head.finishedAt)
  }

  /**
   * Fulfilled with the job's output when it has completed.
   *
   * @throws {JobFailedError} its last attempt failed. @throws {JobCancelledError} it was cancelled.
   * @throws {NoJobError} it was removed, or finished earlier and is no longer retained. @throws {ClosedError} the queue was closed first.
   */
  finished(): Promise<Output> {
    return this.#host.finished(this.#stored) as Promise<Output>
  }

  /** See `queue.cancel`. */
  cancel(): Promise<boolean> {
    return this.#host.cancel(this.id)
  }

  /** See `queue.retry`. */
  retry(): Promise<void> {
    return this.#host.retry(this.id)
  }

  /** See `queue.remove`. */
  remove(): Promise<void> {
    return this.#host.remove(this.id)
  }

  toJSON(): Record<string, unknown> {
    const { id, task, state, priority, key, attempt, attempts, failures, enqueuedAt, startedAt, finishedAt } =
      this
    return { id, task, state, priority, key, attempt, attempts, failures, enqueuedAt, startedAt, finishedAt }
  }
}

/** What `finished()` gives for a finished job: its output, or the error that it throws. */
export function outcomeOf(task: string, { place, state, head, body }: StoredJob): unknown {
  if (state === 'failed') throw new JobFailedError(formatId(place), task, head.failures ?? [])
  if (state === 'cancelled') throw new JobCancelledError(formatId(place), task)
  return decode(body)
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
