/** What the package `millrace` exports. */
export type { Backoff, ExponentialBackoff } from './backoff.js'
export { type CloseOnSignalsOptions, closeOnSignals } from './close-on-signals.js'
export {
  BacklogFullError,
  BackupError,
  ClosedError,
  CorruptError,
  DamagedError,
  type Failure,
  FormatError,
  JobCancelledError,
  JobFailedError,
  JobStateError,
  LockedError,
  MillraceError,
  NoJobError,
  NotAQueueError,
  OptionError,
  StoreError,
  TooLargeError,
  UnknownTaskError,
  ValueError,
  WorkerModuleError,
} from './errors.js'
export type { QueueEvents } from './events.js'
export type { Job } from './handle.js'
export type { EnqueueOptions, FinishedState, JobCounts, JobState } from './job.js'
export type { MapOptions, Mapped } from './map.js'
export type { CloseOptions, QueueOptions } from './options.js'
export type { CleanOptions, JobsQuery } from './queries.js'
export { JobQueue } from './queue.js'
export type { Repaired } from './store/level/repair.js'
export type { BackedUp, Keep, Recovered } from './store/store.js'
export type { InputOf, OutputOf } from './task-types.js'
export type { JobInfo, ModuleExport, ModuleLocation, TaskOptions, WorkerFactory, WorkerMap } from './tasks.js'
export { type JobContext, UnrecoverableError } from './worker.js'
