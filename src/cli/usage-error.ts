/** The command was called wrongly: its message is said, and the exit code is 2. */
export class UsageError extends Error {}
