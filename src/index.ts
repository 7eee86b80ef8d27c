/** What the package `millrace` exports. */

export {
  BackupError,
  CorruptError,
  FormatError,
  LockedError,
  NotAQueueError,
  StoreError,
  UnsafeDirectoryError,
} from './errors/directory-errors.js'
export type { ErrorData, Failure } from './errors/error-data.js'
export {
  BacklogFullError,
  BundledError,
  ClosedError,
  DamagedError,
  JobCancelledError,
  JobFailedError,
  JobStateError,
  MillraceError,
  NoJobError,
  OptionError,
  TooLargeError,
  UnknownTaskError,
  ValueError,
  WaitTimeoutError,
  WorkerModuleError,
} from './errors/errors.js'
export { ThreadLostError, ThreadStartError, ThreadUncaughtError } from './errors/thread-errors.js'
export type { Location } from './files/location.js'
export type { TrustOptions } from './files/ownership.js'
export type { Backoff, ExponentialBackoff } from './job/backoff.js'
export type { Duration } from './job/duration.js'
export type { EnqueueOptions } from './job/enqueue-options.js'
export type { FinishedState, JobCounts, JobState } from './job/job.js'
export type { JobLog } from './job/notes.js'
export type { MapOptions, Mapped } from './queue/adding/map.js'
export { type CloseOnSignalsOptions, closeOnSignals } from './queue/close-on-signals.js'
export type { QueueEvents } from './queue/events.js'
export type { Job } from './queue/jobs/job-handle.js'
export type { AnyJobOf, JobEvent, JobOf } from './queue/jobs/job-types.js'
export type { CleanOptions, JobsQuery, ManyJobs } from './queue/jobs/queries.js'
export type { WaitOptions } from './queue/jobs/wait-options.js'
export type { CloseOptions, QueueOptions } from './queue/options.js'
export { JobQueue } from './queue/queue.js'
export type { Recovered } from './queue/queue-parts.js'
export type { Repaired } from './store/level/repair/repair.js'
export type { BackedUp, Keep } from './store/store.js'
export type { TaskOptions } from './tasks/task-options.js'
export type { InputOf, OutputOf, Sendable } from './tasks/task-types.js'
export { type TypedWorker, worker } from './tasks/typed-worker.js'
export type {
  JobInfo,
  ModuleExport,
  ModuleLocation,
  WorkerFactory,
  WorkerMap,
} from './tasks/worker-module.js'
export { type JobContext, UnrecoverableError } from './worker.js'
