/**
 * What a worker module may import (`millrace/worker`): light, so that a thread that needs it loads nothing else.
 *
 * A worker module is a plain file that exports a function `(input, job) => output`, sync or async.
 */

/** What a job's function is given beside its input. */
export interface JobContext<Meta = unknown, Saved = unknown> {
  /** The job's id, as `enqueue` returned it. */
  readonly id: string
  /** The task's name. */
  readonly task: string
  /** Which try at this job this is, counted from 1. */
  readonly attempt: number
  /** How many attempts it has in all. */
  readonly attempts: number
  /** Whether the job fails for good if this attempt fails. */
  readonly isLastAttempt: boolean
  /** Lower runs first. */
  readonly priority: number
  /** The idempotency key that it was enqueued with. */
  readonly key: string | undefined
  readonly enqueuedAt: Date
  /** What the application gave as `meta` when it enqueued the job. */
  readonly meta: Meta
  /** What an earlier attempt has saved last with `checkpoint`; `undefined` if none has. */
  readonly saved: Saved | undefined
  /**
   * Aborted when the job is cancelled, has run into its timeout, or the queue is closing without waiting any longer; its
   * `reason` says which. A job that reads this property is given `abortGrace` ms to end by itself before its thread is
   * ended; one that never does is stopped at once. Reading `job.signal` again sees an abort even inside synchronous code.
   */
  readonly signal: AbortSignal
  /**
   * Reports progress: any value that a job's input may hold, up to 65,536 bytes (encoded). The application sees it as a `progress`
   * event, in the long run at most about 50 a second for a job, the newest value always. It is kept with the job.
   *
   * @throws {ValueError} the value cannot be carried to the application. @throws {TooLargeError} it is too large.
   */
  progress(value: unknown): void
  /**
   * Sends a line of text to the application as a `log` event. The last 100 lines, or 16,384 characters, are kept with the job. What
   * comes too fast to be passed on is dropped and counted; of a line the first 4096 characters are sent.
   */
  log(text: string): void
  /**
   * Saves a value for the next attempt, which is given the last one as `job.saved`. Fulfilled when it is stored as durably as an
   * enqueued job. A completed job's checkpoint is dropped. If one is still being stored, that is waited for; of several that wait
   * the newest is stored.
   *
   * @throws {ValueError} the value cannot be stored. @throws {TooLargeError} it is larger than `maxOutputBytes`, encoded.
   * @throws {JobStateError} the job has ended. @throws {StoreError} the directory cannot be written.
   */
  checkpoint(value: Saved): Promise<void>
  /** The members that are data. */
  toJSON(): Record<string, unknown>
}

/** What a `setup` module may return. */
export interface ThreadHooks {
  /**
   * Called in place of each job's function. It calls `run`, which calls that function, and gives what `run` gives: the job's output
   * or a promise of it. What it throws is the failure of the attempt.
   */
  wrap?(run: () => unknown, job: JobContext): unknown
  /**
   * Called and awaited when the thread ends in an orderly way: it was idle for `idleTimeout`, there are to be fewer threads, or the
   * queue is closed. It may take as long as `abortGrace`. Not called when the thread is stopped in the middle of a job, or dies.
   */
  end?(): unknown
}

type Hooks = ThreadHooks | (() => unknown) | undefined

/**
 * What a `setup` module exports: a function that is called once in each thread, and awaited, before the first job. A function that
 * it returns is `end`.
 */
export type ThreadSetup = () => Hooks | Promise<Hooks>

/** Thrown by a job's function to fail the job for good: the remaining attempts are skipped. */
export class UnrecoverableError extends Error {
  override readonly name = 'UnrecoverableError'
  readonly code = 'MILLRACE_UNRECOVERABLE'
}
