/** A worker module together with its type, so that the map of workers says the types of all tasks. */
import type { TaskOptions } from './task-options.js'
import type { TaskType, UntypedTask } from './task-types.js'
import type { ModuleExport, ModuleLocation } from './worker-module.js'

declare const TASK: unique symbol

/** A worker module whose type is known. */
export interface TypedWorker<Task> extends ModuleExport, TaskOptions {
  /** Only a type: there is no such member. */
  readonly [TASK]?: Task
}

/** The export of a module by its name, or the module itself where it has none of that name. */
type ExportOf<Module, Name extends string> = Module extends { readonly [Key in Name]: infer Exported }
  ? Exported
  : Module

/**
 * Names a worker module and its type:
 *
 * ```ts
 * workers: { area: worker<typeof import('./area.js')>(new URL('./area.js', import.meta.url)) }
 * ```
 *
 * So `queue.enqueue('area', …)` takes just what the module's function takes. `options` are those of the task; with
 * `{ export: 'name' }` the type's second parameter names the export too: `worker<typeof import('./area.js'), 'name'>(…)`.
 */
export function worker<Module, Name extends string = 'default'>(
  module: ModuleLocation,
  options: { export?: Name } & TaskOptions = {},
): TypedWorker<ExportOf<Module, Name>> {
  return { module, ...options }
}

/** A map of workers, typed or not. */
export type WorkersByTask = Readonly<
  Record<string, ModuleLocation | (ModuleExport & TaskOptions) | TypedWorker<TaskType>>
>

/** The types of the tasks of a map of workers. */
export type TasksOf<Workers> = {
  [Name in keyof Workers & string]: Workers[Name] extends { readonly [TASK]?: infer Task }
    ? unknown extends Task
      ? UntypedTask
      : Task extends TaskType
        ? Task
        : UntypedTask
    : UntypedTask
}
