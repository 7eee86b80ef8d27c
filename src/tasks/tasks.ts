/** The registry of tasks: which worker module runs which task, and within what limits. */
import type { ResourceLimits } from 'node:worker_threads'
import { OptionError, UnknownTaskError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'
import { type Backoff, DEFAULT_BACKOFF } from '../job/backoff.js'
import { checkAttemptOptions } from '../job/enqueue-options.js'
import type { Head } from '../job/job.js'
import { checkTaskName, checkTaskOptions, type TaskOptions } from './task-options.js'
import {
  checkFile,
  type JobInfo,
  resolveModule,
  type WorkerFactory,
  type WorkerMap,
  type WorkerModule,
} from './worker-module.js'

/** The settings of one task, with every default filled in. */
export interface TaskConfig {
  readonly name: string
  readonly concurrency: number
  readonly attempts: number
  readonly backoff: Backoff
  readonly timeout: number
  readonly resourceLimits: ResourceLimits | undefined
}

type Defaults = Pick<TaskOptions, 'attempts' | 'backoff' | 'timeout'>

const DEFAULT_ATTEMPTS = 3
export class Tasks {
  readonly #modules: Map<string, WorkerModule> | undefined
  readonly #factory: WorkerFactory | undefined
  readonly #configs = new Map<string, TaskConfig>()
  readonly #defaults: Defaults

  /**
   * Checks the `workers` (and, with a factory, `tasks`) options.
   *
   * @throws {OptionError} one is of the wrong form. @throws {WorkerModuleError} a module's file is missing.
   */
  static async from(
    workers: WorkerMap | WorkerFactory,
    tasks: Record<string, TaskOptions> | undefined,
    defaults: Defaults,
  ): Promise<Tasks> {
    checkAttemptOptions(defaults)
    if (typeof workers === 'function') {
      const registry = new Tasks(undefined, workers, defaults)
      for (const [name, options] of Object.entries(tasks ?? {})) registry.#configure(name, options)
      return registry
    }
    if (typeof workers !== 'object' || workers === null)
      throw new OptionError(
        `workers must map task names to worker modules, or be a worker factory, got ${show(workers)}`,
      )
    if (tasks !== undefined)
      throw new OptionError('tasks goes with a worker factory; in a map, write { module, concurrency, … }')
    const modules = new Map<string, WorkerModule>()
    const registry = new Tasks(modules, undefined, defaults)
    for (const [name, entry] of Object.entries(workers)) {
      const isPlain = typeof entry === 'object' && entry !== null && !(entry instanceof URL)
      const { module: _module, export: _export, ...options } = isPlain ? entry : { module: '', export: '' }
      registry.#configure(name, options)
      const module = resolveModule(entry, `workers.${name}`)
      await checkFile(module, `workers.${name}`)
      modules.set(name, module)
    }
    return registry
  }

  private constructor(
    modules: Map<string, WorkerModule> | undefined,
    factory: WorkerFactory | undefined,
    defaults: Defaults,
  ) {
    this.#modules = modules
    this.#factory = factory
    this.#defaults = defaults
  }

  /** The settings of a task; `undefined` if no worker module was given for it. */
  config(name: string): TaskConfig | undefined {
    const known = this.#configs.get(name)
    if (known || !this.#factory) return known
    return this.#configure(name, {})
  }

  /** @throws {UnknownTaskError} no worker module was given for it. @throws {OptionError} it is no task name. */
  known(name: string): TaskConfig {
    checkTaskName(name)
    const config = this.config(name)
    if (!config) throw new UnknownTaskError(name, [...this.#configs.keys()])
    return config
  }

  /** Which module runs a job. Throws what the worker factory throws, or a WorkerModuleError if that gave no module. */
  moduleFor(task: string, info: () => JobInfo): WorkerModule {
    const module = this.#modules?.get(task)
    if (module) return module
    if (!this.#factory) throw new UnknownTaskError(task, [...this.#configs.keys()])
    return resolveModule(this.#factory(info()), `the worker factory's answer for task "${task}"`)
  }

  /** How often a job may be tried in all. */
  attemptsOf(task: string | undefined, head: Readonly<Head>): number {
    const config = task === undefined ? undefined : this.config(task)
    const attempts = head.attempts ?? config?.attempts ?? this.#defaults.attempts ?? DEFAULT_ATTEMPTS
    return attempts + (head.granted ?? 0)
  }

  #configure(name: string, options: TaskOptions): TaskConfig {
    checkTaskName(name)
    const prefix = `${this.#factory ? 'tasks' : 'workers'}.${name}.`
    checkTaskOptions(options, prefix)
    const config: TaskConfig = {
      name,
      concurrency: options.concurrency ?? Number.POSITIVE_INFINITY,
      attempts: options.attempts ?? this.#defaults.attempts ?? DEFAULT_ATTEMPTS,
      backoff: options.backoff ?? this.#defaults.backoff ?? DEFAULT_BACKOFF,
      timeout: options.timeout ?? this.#defaults.timeout ?? 0,
      resourceLimits: options.resourceLimits,
    }
    this.#configs.set(name, config)
    return config
  }
}
