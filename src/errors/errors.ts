/**
 * The errors that millrace throws or records; those about the directory are in `directory-errors.ts`. Each has a stable `code`,
 * says what to do next, and keeps its cause.
 */
import { cutText } from './allowance.js'
import { type Failure, type StoredFailure, toError, toFailure } from './error-data.js'

/** How much of a message is quoted in another, in characters. */
const SHOWN = 1000

/** The base of all of millrace's errors. */
export class MillraceError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** `MILLRACE_OPTION`: an option or argument has the wrong type or is out of range. */
export class OptionError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_OPTION', message, options)
  }
}

/** `MILLRACE_UNKNOWN_TASK`: no worker module was given for this task. */
export class UnknownTaskError extends MillraceError {
  constructor(task: string, known: readonly string[]) {
    const names = known.length > 0 ? known.map((name) => `"${name}"`).join(', ') : 'none'
    super('MILLRACE_UNKNOWN_TASK', `unknown task "${task}": the \`workers\` given to open() are for ${names}`)
  }
}

/** `MILLRACE_WORKER_MODULE`: a worker module is missing, or is not something that a thread can load. */
export class WorkerModuleError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_WORKER_MODULE', message, options)
  }
}

/** `MILLRACE_BUNDLED`: files of millrace are missing; most often a bundler has put it into the application's own file. */
export class BundledError extends MillraceError {
  constructor(missing: string, cause?: unknown) {
    super(
      'MILLRACE_BUNDLED',
      `millrace cannot work here: ${missing}. If a bundler has made millrace a part of its output, tell it that "millrace" is ` +
        'external (`external`, `externals`, `serverExternalPackages`, …) and install millrace beside the output',
      cause === undefined ? undefined : { cause },
    )
  }
}

/** `MILLRACE_VALUE`: an input, output or other value holds something that cannot be carried to another thread or to disk. */
export class ValueError extends MillraceError {
  /** Where in the value, for example `input.items[3].onDone`. */
  readonly path: string
  constructor(path: string, what: string, options?: ErrorOptions) {
    super('MILLRACE_VALUE', `${path} ${what}`, options)
    this.path = path
  }
}

/**
 * `MILLRACE_TOO_LARGE`: an input or `meta` is larger than `maxJobBytes`, an output larger than `maxOutputBytes`, another value
 * larger than 1 GiB, or a value would take more than 512 MiB of memory beside its bytes and text.
 */
export class TooLargeError extends MillraceError {
  /** `option` set the limit. `isMemory`: the limit is of the memory that the value would take where it is decoded. */
  constructor(what: string, limit: number, option?: string, isMemory = false) {
    const file = 'put the data in a file and send its path'
    const tooLarge = isMemory
      ? `would take more than ${limit} bytes of memory when it is decoded: ${file}, or send typed arrays`
      : option === undefined
        ? `is larger than ${limit} bytes: ${file}`
        : `is larger than ${option} (${limit} bytes): raise that option, or ${file}`
    super('MILLRACE_TOO_LARGE', `${what} ${tooLarge}`)
  }
}

/** How many jobs, and how many bytes they take. */
interface BacklogSize {
  readonly jobs: number
  readonly bytes: number
}

/** `MILLRACE_BACKLOG_FULL`: there is no room in the backlog (`maxBacklog`), or there never can be for so many jobs at once. */
export class BacklogFullError extends MillraceError {
  constructor(bounds: BacklogSize, atOnce?: BacklogSize) {
    const limits = [
      ...(bounds.jobs === Number.POSITIVE_INFINITY ? [] : [`maxBacklog: ${bounds.jobs} jobs`]),
      ...(bounds.bytes === Number.POSITIVE_INFINITY ? [] : [`maxBacklogBytes: ${bounds.bytes} bytes`]),
    ].join(', ')
    super('MILLRACE_BACKLOG_FULL', atOnce ? neverFits(limits, bounds, atOnce) : fullFor(limits))
  }
}

function fullFor(limits: string): string {
  return `the backlog is full (${limits}): enqueue again when some have run`
}

function neverFits(limits: string, bounds: BacklogSize, { jobs, bytes }: BacklogSize): string {
  const what = bytes > bounds.bytes ? `${bytes} bytes` : `${jobs} jobs`
  return `${what} at once never fit in the backlog (${limits}): enqueue less at once, or raise that option`
}

/** `MILLRACE_DAMAGED`: what is stored of a job, or a value in it, is not what was written. */
export class DamagedError extends MillraceError {
  constructor(cause: unknown) {
    // It may quote the data.
    const why = (cause instanceof Error ? cause.message : String(cause)).slice(0, 200)
    super(
      'MILLRACE_DAMAGED',
      `stored data cannot be decoded: ${why}. The directory is damaged: remove the job, or restore the directory from a copy`,
      { cause },
    )
  }
}

/** `MILLRACE_CLOSED`: the queue was used after `close()`. */
export class ClosedError extends MillraceError {
  constructor() {
    super('MILLRACE_CLOSED', 'the queue is closed: open it again with JobQueue.open()')
  }
}

/** `MILLRACE_NO_JOB`: there is no job with this id; it was removed, or finished and is no longer retained. */
export class NoJobError extends MillraceError {
  constructor(id: string) {
    super(
      'MILLRACE_NO_JOB',
      `no job ${id}: it was removed, or it finished and the \`keep\` option no longer retains it`,
    )
  }
}

/** `MILLRACE_WAIT_TIMEOUT`: a job did not finish while `finished({ timeout })` waited for it. It goes on. */
export class WaitTimeoutError extends MillraceError {
  constructor(id: string, timeoutMs: number) {
    super(
      'MILLRACE_WAIT_TIMEOUT',
      `job ${id} has not finished within ${timeoutMs} ms, and goes on: call finished() again to wait longer, or cancel it`,
    )
  }
}

/** `MILLRACE_JOB_STATE`: what was asked cannot be done to a job in this state. */
export class JobStateError extends MillraceError {
  constructor(id: string, state: string, advice: string) {
    super('MILLRACE_JOB_STATE', `job ${id} is ${state}: ${advice}`)
  }
}

/** `MILLRACE_JOB_FAILED`: what `finished()` rejects with when the last attempt failed; `cause` is that attempt's error. */
export class JobFailedError extends MillraceError {
  readonly jobId: string
  readonly #failures: readonly Failure[]
  constructor(
    jobId: string,
    task: string,
    failures: readonly StoredFailure[],
    failureCount = failures.length,
  ) {
    const last = failures.at(-1)
    const tries = failureCount === 1 ? '1 attempt' : `${failureCount} attempts`
    const why = last ? cutText(last.message, SHOWN) : 'unknown reason'
    super(
      'MILLRACE_JOB_FAILED',
      `job ${jobId} (${task}) failed after ${tries}: ${why}`,
      last && { cause: toError(last) },
    )
    this.jobId = jobId
    this.#failures = failures.map(toFailure)
  }

  /** The failed attempts that are kept, as in a job's `failures`. A getter, so that `console.log(error)` stays short: it shows the last one as `cause`. */
  get failures(): readonly Failure[] {
    return this.#failures
  }
}

/** `MILLRACE_JOB_CANCELLED`: what `finished()` rejects with when the job was cancelled. */
export class JobCancelledError extends MillraceError {
  readonly jobId: string
  constructor(jobId: string, task: string) {
    super('MILLRACE_JOB_CANCELLED', `job ${jobId} (${task}) was cancelled`)
    this.jobId = jobId
  }
}
