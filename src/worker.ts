/**
 * What a worker module may import (`millrace/worker`): light, so that a thread that needs it loads nothing else.
 *
 * A worker module is a plain file that exports a function `(input, job) => output`, sync or async.
 */

/** What a job's function is given beside its input. */
export interface JobContext<Meta = unknown> {
  /** The job's id, as `enqueue` returned it. */
  readonly id: string
  /** The task's name. */
  readonly task: string
  /** Which try at this job this is, counted from 1. */
  readonly attempt: number
  /** What the application gave as `meta` when it enqueued the job. */
  readonly meta: Meta
  /**
   * Aborted when the job is cancelled, has run into its timeout, or the queue is closing without waiting any longer; its
   * `reason` says which. A job that reads this property is given `abortGrace` ms to end by itself before its thread is
   * ended; one that never does is stopped at once. Reading `job.signal` anew sees an abort even inside synchronous code.
   */
  readonly signal: AbortSignal
  /**
   * Reports progress: any value that a job's input may hold. The application sees it as a `progress` event, at most about 50 a
   * second for a job, the newest value always.
   *
   * @throws {ValueError} the value cannot be carried to the application.
   */
  progress(value: unknown): void
  /** Sends a line of text to the application as a `log` event. */
  log(text: string): void
}

/** Thrown by a job's function to fail the job for good: the remaining attempts are skipped. */
export class UnrecoverableError extends Error {
  override readonly name = 'UnrecoverableError'
  readonly code = 'MILLRACE_UNRECOVERABLE'
}
