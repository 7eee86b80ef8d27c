/** The command was called wrongly: its message is said, and the exit code is 2. */
export class UsageError extends Error {}

/** The directory that was named holds no queue. */
export class NoQueueError extends UsageError {
  constructor(directory: string, cause: unknown) {
    super(`there is no queue in ${directory}: give the directory that holds the jobs`, { cause })
  }
}
