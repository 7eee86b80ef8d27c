/** How types flow from a worker module to `enqueue` and `finished()`. */
import type { Job } from './job-handle.js'
import type { Mapped } from './map.js'

// A worker's own parameters may be narrower than what we know here: `never` accepts any function.
type AnyFunction = (input: never, job: never) => unknown

/** A task's type: its function, or the module that exports it as default (`typeof import('../worker.js')`). */
export type TaskType = AnyFunction | { default: AnyFunction }

/** Task names and their types. */
export type TaskTypes<Tasks> = { [Name in keyof Tasks]: TaskType }

/** What is known of tasks whose types were not given. */
export type UntypedTasks = Record<string, (input: unknown) => unknown>

type FunctionOf<Task> = Task extends { default: infer Exported } ? Exported : Task

/** What a task's jobs take. */
export type InputOf<Task> = FunctionOf<Task> extends (...args: infer Args) => unknown ? FirstOf<Args> : never

type FirstOf<Args extends unknown[]> = Args extends [] ? undefined : Args[0]

/** What a task's jobs give. */
export type OutputOf<Task> =
  FunctionOf<Task> extends (...args: never[]) => infer Output ? Awaited<Output> : never

/** The arguments after the task's name: the input may be left out where `undefined` is one. */
export type InputArgs<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options]

export type JobOf<Tasks, Name extends keyof Tasks> = Job<InputOf<Tasks[Name]>, OutputOf<Tasks[Name]>>

export type MappedOf<Tasks, Name extends keyof Tasks> = Mapped<InputOf<Tasks[Name]>, OutputOf<Tasks[Name]>>
