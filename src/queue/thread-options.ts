/** The options of `JobQueue.open` that say what threads are given, and their checks. */
import { checkInteger } from '../errors/option-checks.js'
import type { ThreadOptions } from '../pool/thread-starter.js'
import { type ModuleExport, type ModuleLocation, resolveModule } from '../tasks/worker-module.js'

export interface ThreadsOptions {
  /**
   * A module that is run once in each thread, before its first job: its default export, or the export that is named. It is a
   * `ThreadSetup` (see `millrace/worker`), and may return what wraps each run, and what is called when the thread ends.
   */
  setup?: ModuleLocation | ModuleExport
  /**
   * So many threads are started when the queue opens and are kept, whether there are jobs or not: 0, the default, to `maxWorkers`.
   * They have no `resourceLimits`, unless every task of the map of workers has some: then those of its first task.
   */
  minWorkers?: number
}

/** The names of these options. */
export const THREADS_OPTIONS: readonly string[] = ['setup', 'minWorkers'] satisfies (keyof ThreadsOptions)[]

/** @throws {OptionError} an option is of the wrong type. @throws {WorkerModuleError} `setup` is no module. */
export function threadOptionsOf({ setup }: ThreadsOptions): ThreadOptions {
  return { setup: setup === undefined ? undefined : resolveModule(setup, 'setup') }
}

/** @throws {OptionError} */
export function checkMinWorkers(count: unknown, most: number): void {
  checkInteger('minWorkers', count, 0, most)
}
