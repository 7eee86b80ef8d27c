/** Errors about the directory that holds the jobs: opening, reading, writing and copying it. */
import { MillraceError } from './errors.js'

/** Development servers load a module again when it changes, and with it what opened the queue. */
const LOADED_TWICE =
  '. If this module is loaded again and again (a development server), keep the queue: `globalThis.queue ??= JobQueue.open(…)`'

/** `MILLRACE_LOCKED`: another queue, or a repair, has the directory open. */
export class LockedError extends MillraceError {
  /** The process that opened the directory last, where that is known. Most likely it is the one that has it open. */
  readonly pid: number | undefined
  constructor(directory: string, pid: number | undefined, cause: unknown) {
    const holder =
      pid === process.pid
        ? 'this process'
        : `another process${pid === undefined ? '' : ` (process ${pid} was the last to open it)`}`
    super(
      'MILLRACE_LOCKED',
      `${directory} is already open in ${holder}: close that queue first${pid === process.pid ? LOADED_TWICE : ''}`,
      cause === undefined ? undefined : { cause },
    )
    this.pid = pid
  }
}

/** `MILLRACE_UNSAFE_DIRECTORY`: users whom this process need not trust own the directory, or can write it, or may have prepared it. */
export class UnsafeDirectoryError extends MillraceError {
  constructor(directory: string, what: string, cure: string) {
    super('MILLRACE_UNSAFE_DIRECTORY', `${directory} ${what}. ${cure}`)
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

/** `MILLRACE_FORMAT`: the directory was written by a newer version of millrace, or not by millrace at all. */
export class FormatError extends MillraceError {
  constructor(directory: string, found: unknown, supported: number) {
    super(
      'MILLRACE_FORMAT',
      `${directory} has storage format ${String(found)}, this version of millrace reads formats up to ${supported}: open it with the version that wrote it, or newer; to go back, use \`millrace export\` there and \`millrace import\` here`,
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
