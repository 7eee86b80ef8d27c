/** Every error that millrace throws or records. Each has a stable `code`, says what to do next, and keeps its cause. */

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

/** `MILLRACE_LOCKED`: another queue has the directory open. */
export class LockedError extends MillraceError {
  /** The holder's process id, where it is known. */
  readonly pid: number | undefined
  constructor(directory: string, pid: number | undefined, cause: unknown) {
    const holder =
      pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`
    super(
      'MILLRACE_LOCKED',
      `${directory} is already open in ${holder}: close that queue first`,
      cause === undefined ? undefined : { cause },
    )
    this.pid = pid
  }
}

/** `MILLRACE_NOT_A_QUEUE`: the directory holds something else; nothing in it was touched. */
export class NotAQueueError extends MillraceError {
  constructor(directory: string, what: string, options?: ErrorOptions) {
    super(
      'MILLRACE_NOT_A_QUEUE',
      `${directory} ${what}: give a directory that is new, empty or millrace's own`,
      options,
    )
  }
}

/** `MILLRACE_FORMAT`: the directory was written by a version of millrace that stores jobs differently. */
export class FormatError extends MillraceError {
  constructor(directory: string, found: unknown, supported: number) {
    super(
      'MILLRACE_FORMAT',
      `${directory} has storage format ${String(found)}, this version of millrace reads format ${supported}: open it with the version that wrote it`,
    )
  }
}

/** `MILLRACE_CORRUPT`: files of the directory are missing, or do not hold what was written. */
export class CorruptError extends MillraceError {
  constructor(directory: string, what: string, options?: ErrorOptions) {
    super(
      'MILLRACE_CORRUPT',
      `${directory} is damaged: ${what}. Copy it away, then save what can be saved with JobQueue.repair() or \`millrace repair\``,
      options,
    )
  }
}

/** `MILLRACE_STORE`: reading or writing the directory failed. What was not acknowledged is not stored. */
export class StoreError extends MillraceError {
  /** `isOpen`: it is the directory of a queue at work, which has stopped. */
  constructor(doing: string, cause: unknown, isOpen = true) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const cure = cureOf(why)
    super(
      'MILLRACE_STORE',
      isOpen
        ? `${doing} failed, the queue has stopped: ${why}. Close it, ${cure}, open it again`
        : `${doing} failed: ${why}. ${cure[0]?.toUpperCase()}${cure.slice(1)}, then try again`,
      { cause },
    )
  }
}

/** What the system says, be it through Node.js or through LevelDB, and what helps. */
const CURES: readonly [why: RegExp, cure: string][] = [
  [/EACCES|EPERM|denied|not permitted/i, 'let this process read and write the directory and all files in it'],
  [/EROFS|read-only/i, 'make its file system writable, or choose another directory'],
  [/ENOSPC|EDQUOT|no space|quota/i, 'make room on the disk'],
  [/EMFILE|ENFILE|too many open files/i, 'raise the limit of open files'],
  [/ENOENT|no such file/i, 'put back what was deleted or moved'],
]

function cureOf(why: string): string {
  return CURES.find(([pattern]) => pattern.test(why))?.[1] ?? 'mend the disk'
}

/** `MILLRACE_BACKUP`: a backup could not be made. The queue itself goes on. */
export class BackupError extends MillraceError {
  constructor(target: string, why: unknown) {
    super(
      'MILLRACE_BACKUP',
      `no backup was made in ${target}: ${why instanceof Error ? why.message : String(why)}. Give a new or empty directory with room for all jobs`,
      { cause: why },
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

/** `MILLRACE_TOO_LARGE`: a job's input is larger than `maxJobBytes`, or another value larger than 1 GiB. */
export class TooLargeError extends MillraceError {
  constructor(what: string, limit: number, option?: string) {
    super(
      'MILLRACE_TOO_LARGE',
      option === undefined
        ? `${what} is larger than ${limit} bytes: put the data in a file and send its path`
        : `${what} is larger than ${option} (${limit} bytes): raise that option, or put the data in a file and send its path`,
    )
  }
}

/** `MILLRACE_BACKLOG_FULL`: there is no room in the backlog (`maxBacklog`), or there never can be for so many jobs at once. */
export class BacklogFullError extends MillraceError {
  constructor(most: number, atOnce?: number) {
    super(
      'MILLRACE_BACKLOG_FULL',
      atOnce === undefined
        ? `the backlog is full (maxBacklog: ${most} jobs): enqueue again when some have run`
        : `${atOnce} jobs at once never fit in the backlog (maxBacklog: ${most} jobs): enqueue fewer at once, or raise that option`,
    )
  }
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

/** `MILLRACE_JOB_STATE`: what was asked cannot be done to a job in this state. */
export class JobStateError extends MillraceError {
  constructor(id: string, state: string, advice: string) {
    super('MILLRACE_JOB_STATE', `job ${id} is ${state}: ${advice}`)
  }
}

/** `MILLRACE_JOB_FAILED`: what `finished()` rejects with when the last attempt failed; `cause` is that attempt's error. */
export class JobFailedError extends MillraceError {
  readonly jobId: string
  /** Every failed attempt, the oldest first. */
  readonly failures: readonly Failure[]
  constructor(jobId: string, task: string, failures: readonly Failure[]) {
    const last = failures.at(-1)
    const tries = failures.length === 1 ? '1 attempt' : `${failures.length} attempts`
    super(
      'MILLRACE_JOB_FAILED',
      `job ${jobId} (${task}) failed after ${tries}: ${last?.message ?? 'unknown reason'}`,
      {
        cause: last && toError(last),
      },
    )
    this.jobId = jobId
    this.failures = failures
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

/** What is kept of a failed attempt: the error that the worker threw, as data. */
export interface Failure {
  /** Which attempt, counted from 1. */
  readonly attempt: number
  /** When it ended, in ms since the epoch. */
  readonly at: number
  readonly name: string
  readonly message: string
  readonly stack?: string
  /** The error's own `code`, or millrace's: `MILLRACE_TIMEOUT`, `MILLRACE_THREAD_DIED`, `MILLRACE_PROCESS_DIED`, … */
  readonly code?: string
  readonly cause?: Omit<Failure, 'attempt' | 'at'>
}

/** An error as it travels from a thread and is stored. */
export type ErrorData = Omit<Failure, 'attempt' | 'at'>

const MAX_TEXT = 16_384
const MAX_CAUSES = 5

/**
 * An error, or whatever was thrown in its place, as data. Texts are cut at 16,384 characters, causes at 5 levels. Never
 * throws, whatever the members of the error do.
 */
export function toErrorData(thrown: unknown): ErrorData {
  try {
    return dataOf(thrown, 0)
  } catch {
    return { name: 'NonError', message: 'thrown: something that cannot be read' }
  }
}

function dataOf(thrown: unknown, depth: number): ErrorData {
  if (!(thrown instanceof Error) && !isErrorLike(thrown))
    return { name: 'NonError', message: `thrown: ${print(thrown)}` }
  const { code, cause } = thrown as { code?: unknown; cause?: unknown }
  return {
    name: cut(thrown.name),
    message: cut(thrown.message),
    ...(typeof thrown.stack === 'string' && { stack: cut(thrown.stack) }),
    ...((typeof code === 'string' || typeof code === 'number') && { code: cut(code) }),
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: dataOf(cause, depth + 1) }),
  }
}

/** The other way: an `Error` with the recorded name, message, stack, code and causes. */
export function toError(data: ErrorData): Error {
  const error = new Error(data.message, data.cause && { cause: toError(data.cause) })
  error.name = data.name
  if (data.stack !== undefined) error.stack = data.stack
  return data.code === undefined ? error : Object.assign(error, { code: data.code })
}

/** Errors that crossed a thread or a realm are not `instanceof Error` here. */
function isErrorLike(value: unknown): value is Error {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Error).name === 'string' &&
    typeof (value as Error).message === 'string'
  )
}

function print(value: unknown): string {
  if (typeof value !== 'object' || value === null) return cut(value)
  try {
    return cut(JSON.stringify(value) ?? value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function cut(text: unknown): string {
  return String(text).slice(0, MAX_TEXT)
}
