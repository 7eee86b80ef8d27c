/** The registry of tasks: which worker module runs which task, and within what limits. */
import type { ResourceLimits } from 'node:worker_threads'
import { OptionError, UnknownTaskError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'
import { type BackoffMs, DEFAULT_BACKOFF } from '../job/backoff.js'
import { type AttemptSettings, attemptSettingsOf } from '../job/enqueue-options.js'
import type { Head } from '../job/job.js'
import {
  attemptSettingsOfTask,
  checkCaptureConsole,
  checkTaskName,
  type TaskOptions,
} from './task-options.js'
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
  /** How many of its jobs share a thread. */
  readonly perThread: number
  readonly attempts: number
  readonly backoff: BackoffMs
  readonly timeout: number
  readonly resourceLimits: ResourceLimits | undefined
  readonly capturesConsole: boolean
}

/** What holds for tasks that say nothing else. */
type Defaults = AttemptSettings & { readonly capturesConsole: boolean }

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
    options: Pick<TaskOptions, 'attempts' | 'backoff' | 'timeout' | 'captureConsole'>,
  ): Promise<Tasks> {
    checkCaptureConsole(options.captureConsole)
    const defaults = { ...attemptSettingsOf(options), capturesConsole: options.captureConsole ?? false }
    if (typeof workers === 'function') {
      const registry = new Tasks(undefined, workers, defaults)
      for (const [name, taskOptions] of Object.entries(tasks ?? {})) registry.#configure(name, taskOptions)
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
      const {
        module: _module,
        export: _export,
        ...taskOptions
      } = isPlain ? entry : { module: '', export: '' }
      const { capturesConsole } = registry.#configure(name, taskOptions)
      const module = resolveModule(entry, `workers.${name}`, capturesConsole)
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

  /** Whether a worker module was given for this task, or a worker factory for all. */
  has(name: string): boolean {
    return this.#factory !== undefined || this.#configs.has(name)
  }

  /** The settings of a task; `undefined` if no worker module was given for it. */
  config(name: string): TaskConfig | undefined {
    const known = this.#configs.get(name)
    if (known || !this.#factory) return known
    return this.#configure(name, {})
  }

  /** @throws {UnknownTaskError} no worker module was given for it. @throws {OptionError} it is no task name. */
  known(name: string): TaskConfig {
    const known = this.#configs.get(name)
    if (known) return known
    checkTaskName(name)
    return this.config(name) ?? this.unknown(name)
  }

  /** @throws {UnknownTaskError} */
  unknown(name: string): never {
    throw new UnknownTaskError(name, [...this.#configs.keys()])
  }

  /** The memory limits of most tasks: none, unless every task of a map has some. Then those of its first task. */
  get commonLimits(): ResourceLimits | undefined {
    const limits = [...this.#configs.values()].map(({ resourceLimits }) => resourceLimits)
    return this.#factory || limits.includes(undefined) ? undefined : limits[0]
  }

  /** Which module runs a job. Throws what the worker factory throws, or a WorkerModuleError if that gave no module. */
  moduleFor(task: string, info: () => JobInfo): WorkerModule {
    const module = this.#modules?.get(task)
    if (module) return module
    if (!this.#factory) return this.unknown(task)
    const { capturesConsole = false } = this.config(task) ?? {}
    return resolveModule(
      this.#factory(info()),
      `the worker factory's answer for task "${task}"`,
      capturesConsole,
    )
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
    const settings = { ...this.#defaults, ...attemptSettingsOfTask(options, prefix) }
    const config: TaskConfig = {
      name,
      concurrency: options.concurrency ?? Number.POSITIVE_INFINITY,
      perThread: options.perThread ?? 1,
      attempts: settings.attempts ?? DEFAULT_ATTEMPTS,
      backoff: settings.backoff ?? DEFAULT_BACKOFF,
      timeout: settings.timeout ?? 0,
      resourceLimits: options.resourceLimits,
      capturesConsole: options.captureConsole ?? this.#defaults.capturesConsole,
    }
    this.#configs.set(name, config)
    return config
  }
}
