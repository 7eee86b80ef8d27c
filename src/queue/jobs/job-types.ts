/** The types of jobs, by the types of their tasks. */
import type { InputOf, OutputOf } from '../../tasks/task-types.js'
import type { Mapped } from '../adding/map.js'
import type { JobEvent as EventOf } from './job-events.js'
import type { Job } from './job-handle.js'

/** A job of one task. */
export type JobOf<Tasks, Name extends keyof Tasks & string> = Job<
  InputOf<Tasks[Name]>,
  OutputOf<Tasks[Name]>,
  Name
>

/** A job of any of these tasks: a union, which its member `task` narrows. */
export type AnyJobOf<Tasks, Names extends keyof Tasks & string = keyof Tasks & string> = {
  [Name in Names]: JobOf<Tasks, Name>
}[Names]

/** What happens to a job, as `job.events()` gives it. */
export type JobEvent<AnyJob = Job> = EventOf<AnyJob>

export type MappedOf<Tasks, Name extends keyof Tasks> = Mapped<InputOf<Tasks[Name]>, OutputOf<Tasks[Name]>>
