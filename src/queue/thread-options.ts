/** The options of `JobQueue.open` that say what threads are given, and their checks. */
import { SHARE_ENV } from 'node:worker_threads'
import { OptionError } from '../errors/errors.js'
import { checkInteger, show } from '../errors/option-checks.js'
import type { ThreadOptions } from '../pool/group/thread-starter.js'
import { type ModuleExport, type ModuleLocation, resolveModule } from '../tasks/worker-module.js'
import { threadFlagsOf } from './thread-flags.js'

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
  /**
   * The environment variables of the threads, in place of those of the process; what is `undefined` is left out. `SHARE_ENV` of
   * `node:worker_threads`: threads and the process share one `process.env`. Default: a copy of `process.env` as it is when a thread
   * starts.
   */
  env?: Record<string, string | undefined> | typeof SHARE_ENV
  /**
   * The flags of Node.js for threads, such as `['--conditions', 'worker']`. Flags that belong to the main script alone, such as
   * `--input-type` or `--inspect-brk`, are left out. Default: those of the process.
   */
  execArgv?: readonly string[]
}

/** The names of these options. */
export const THREADS_OPTIONS: readonly string[] = [
  'setup',
  'minWorkers',
  'env',
  'execArgv',
] satisfies (keyof ThreadsOptions)[]

/** @throws {OptionError} an option is of the wrong type. @throws {WorkerModuleError} `setup` is no module. */
export function threadOptionsOf({ setup, env, execArgv }: ThreadsOptions): ThreadOptions {
  return {
    setup: setup === undefined ? undefined : resolveModule(setup, 'setup'),
    env: env === undefined ? undefined : environmentOf(env),
    execArgv: threadFlagsOf(execArgv),
  }
}

function environmentOf(env: unknown): Record<string, string> | typeof SHARE_ENV {
  if (env === SHARE_ENV) return SHARE_ENV
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    throw new OptionError(
      `env must be an object of texts, or SHARE_ENV of node:worker_threads, got ${show(env)}`,
    )
  const copy: Record<string, string> = {}
  for (const [name, value] of Object.entries(env))
    if (typeof value === 'string') copy[name] = value
    else if (value !== undefined) throw new OptionError(`env.${name} must be a text, got a ${typeof value}`)
  return copy
}

/** @throws {OptionError} */
export function checkMinWorkers(count: unknown, most: number): void {
  checkInteger('minWorkers', count, 0, most)
}
