/**
 * A job as the application holds it: a snapshot of what was known of it at one moment, and what can be done with it.
 *
 * Its members are its own and enumerable, so that it prints, compares, spreads and clones as plain data does. What is costly to
 * decode (the input, the output, `meta`) is decoded when it is first read.
 */
import { inspect } from 'node:util'
import { decode, UNDEFINED } from '../../codec/codec.js'
import { type Failure, toFailure } from '../../errors/error-data.js'
import { JobCancelledError, JobFailedError } from '../../errors/errors.js'
import { checkOptions } from '../../errors/option-checks.js'
import type { Backoff } from '../../job/backoff.js'
import { failureCountOf } from '../../job/failures.js'
import type { JobState, Place, StoredJob } from '../../job/job.js'
import { formatId } from '../../job/job-id.js'
import type { JobLog } from '../../job/notes.js'
import type { JobEvent } from './job-events.js'
import { inspectJob, jobAsJson } from './job-text.js'
import { checkSignal, type WaitOptions } from './wait-options.js'

/** What a handle asks of its queue. */
export interface JobHost {
  taskOf(job: StoredJob): string
  attemptsOf(job: StoredJob): number
  finished(job: StoredJob, options: WaitOptions | undefined): Promise<unknown>
  events(place: Place, signal: AbortSignal | undefined): AsyncIterableIterator<JobEvent<Job>>
  cancel(id: string): Promise<boolean>
  retry(id: string): Promise<void>
  remove(id: string): Promise<void>
}

/** What is no object, and so cannot change. */
export type Primitive = string | number | bigint | boolean | null | undefined

const NO_FAILURES: readonly Failure[] = Object.freeze([])

/**
 * A job, as it was when this handle was made: its members do not change. `queue.job(id)` gives a new one. Times are Dates. What does
 * not apply is `undefined`.
 */
export class Job<Input = unknown, Output = unknown, Task extends string = string> {
  readonly #host: JobHost
  readonly #stored: StoredJob
  // Declared, not defined: each is set once, in the constructor, so that all handles have one shape.
  /** Identifies it in its directory: 24 hexadecimal digits. */
  declare readonly id: string
  declare readonly task: Task
  declare readonly state: JobState
  /** Lower runs first. */
  declare readonly priority: number
  /** Its idempotency key. */
  declare readonly key: string | undefined
  /** The attempt that runs; of a job that does not run, how many attempts have been charged to it. */
  declare readonly attempt: number
  /** How many attempts it has in all. */
  declare readonly attempts: number
  /** What was given when it was enqueued; `undefined`: the task's applies. */
  declare readonly backoff: Backoff | undefined
  /** The failed attempts, the oldest first: of more than 10 the first 3 and the latest 7. Of large errors, older ones lose their stack. */
  declare readonly failures: readonly Failure[]
  /** How many attempts have failed. */
  declare readonly failureCount: number
  declare readonly enqueuedAt: Date
  /** When a delayed job runs at the earliest. */
  declare readonly runAt: Date | undefined
  /** When the attempt started that runs, or was the last one of a finished job. */
  declare readonly startedAt: Date | undefined
  declare readonly finishedAt: Date | undefined
  /** Its input. A completed job has it if it was kept: see `keep`. */
  declare readonly input: Input
  /** The output of a completed job. */
  declare readonly output: Output
  /** What was given as `meta` when it was enqueued. */
  declare readonly meta: unknown
  /** What it has reported last as its progress. */
  declare readonly progress: unknown
  /** The end of what the latest attempt that logged something has logged: the last 100 lines, or 16,384 characters. */
  declare readonly log: JobLog | undefined

  /** Handles are made by the queue. `input` is its input, where that is known and no object: it need not be decoded then. */
  constructor(host: JobHost, stored: StoredJob, input?: Primitive) {
    const { place, state, head, enqueuedAt } = stored
    this.#host = host
    this.#stored = stored
    this.id = formatId(place)
    this.task = host.taskOf(stored) as Task
    this.state = state
    this.priority = place.priority
    this.key = head.key
    this.attempt = head.attempt ?? 0
    this.attempts = host.attemptsOf(stored)
    this.backoff = head.backoff
    this.failures = head.failures?.map(toFailure) ?? NO_FAILURES
    this.failureCount = failureCountOf(head)
    this.enqueuedAt = new Date(enqueuedAt)
    this.runAt = dateOf(head.runAt)
    this.startedAt = dateOf(head.startedAt)
    this.finishedAt = dateOf(head.finishedAt)
    const isCompleted = state === 'completed'
    // An accessor costs as much as all else: only what has to be decoded gets one.
    if (isCompleted && stored.body !== UNDEFINED) Object.defineProperty(this, 'output', Job.#OUTPUT)
    else this.output = undefined as Output
    if (head.meta) Object.defineProperty(this, 'meta', Job.#META)
    else this.meta = undefined
    if (head.progress) Object.defineProperty(this, 'progress', Job.#PROGRESS)
    else this.progress = undefined
    this.log = head.log
    const encoded = input === undefined ? inputOf(stored) : undefined
    if (encoded && encoded !== UNDEFINED) Object.defineProperty(this, 'input', Job.#INPUT)
    else this.input = input as Input
  }

  static readonly #INPUT = accessor('input', (job) => inputOf(job.#stored))
  static readonly #OUTPUT = accessor('output', (job) => job.#stored.body)
  static readonly #META = accessor('meta', (job) => job.#stored.head.meta)
  static readonly #PROGRESS = accessor('progress', (job) => job.#stored.head.progress)

  /**
   * Fulfilled with the job's output when it has completed. `timeout` and `signal` bound the wait: the job goes on all the same.
   *
   * @throws {WaitTimeoutError} the job did not finish within `timeout`. @throws the reason of `signal`, when it is aborted.
   * @throws {JobFailedError} its last attempt failed. @throws {JobCancelledError} it was cancelled.
   * @throws {NoJobError} it was removed, or finished earlier and is no longer retained. @throws {ClosedError} the queue was closed first.
   */
  finished(options?: WaitOptions): Promise<Output> {
    return this.#host.finished(this.#stored, options) as Promise<Output>
  }

  /**
   * What happens to this job from now on, ending with the event of its outcome: `for await (const event of job.events()) …`. If it has
   * finished already, that is the only event. Of progress that comes faster than it is read only the newest value is kept, of lines of
   * text the last 1000. Aborting `signal` ends the loop.
   *
   * @throws {NoJobError} it was removed, or is no longer retained. @throws {ClosedError} the queue was closed first.
   * @throws {OptionError} an option is unknown, or `signal` is no AbortSignal.
   */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<JobEvent<this>> {
    checkOptions('events', options, ['signal'])
    const { signal } = options
    checkSignal(signal)
    return this.#host.events(this.#stored.place, signal) as AsyncIterableIterator<JobEvent<this>>
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

  /** All members, as JSON can hold them: see the reference for what becomes of values that JSON does not know. */
  toJSON(): Record<string, unknown> {
    return jobAsJson(this)
  }

  /** What `console.log` shows: all members that apply, large ones cut short. */
  [inspect.custom](depth: number, options: object): string {
    return inspectJob(this, this.#stored, depth, options)
  }
}

/** An accessor that decodes a member when it is first read. From then on the member is that value. */
function accessor(name: string, encodedOf: (job: Job) => Uint8Array | undefined): PropertyDescriptor {
  return {
    get(this: Job): unknown {
      const bytes = encodedOf(this)
      const value = bytes && decode(bytes)
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true })
      return value
    },
    enumerable: true,
    configurable: true,
  }
}

/** What `finished()` throws for a job that has failed or was cancelled. */
export function outcomeError(taskOf: (place: Place) => string, { place, state, head }: StoredJob): Error {
  if (state === 'cancelled') return new JobCancelledError(formatId(place), taskOf(place))
  return new JobFailedError(formatId(place), taskOf(place), head.failures ?? [], failureCountOf(head))
}

function inputOf(job: StoredJob): Uint8Array | undefined {
  return job.state === 'completed' ? job.input : job.body
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
