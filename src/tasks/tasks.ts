/** Which worker module runs which task, and within what limits: the `workers` option, checked and resolved. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ResourceLimits } from 'node:worker_threads'
import { OptionError, UnknownTaskError, WorkerModuleError } from '../errors/errors.js'
import { checkInteger, checkNumber, show } from '../errors/option-checks.js'
import { type Backoff, DEFAULT_BACKOFF } from '../job/backoff.js'
import { checkAttemptOptions, type Head } from '../job/job.js'
import type { WorkerModule } from '../pool/waybill.js'

/** A module's file: a `file:` or `data:` URL, or a path (a relative one is resolved against the working directory). */
export type ModuleLocation = string | URL

/** A worker module, and which of its exports to run (default: its default export). */
export interface ModuleExport {
  module: ModuleLocation
  export?: string
}

/** What a task's jobs have in common. */
export interface TaskOptions {
  /** At most so many threads run jobs of this task at once: 1 or more. Default: no limit but maxWorkers. */
  concurrency?: number
  /** Default for its jobs, see `EnqueueOptions`. */
  attempts?: number
  /** Default for its jobs, see `EnqueueOptions`. */
  backoff?: Backoff
  /** Default for its jobs, in ms, see `EnqueueOptions`. */
  timeout?: number
  /**
   * Memory limits of the threads that run this task, as Node's `worker_threads` takes them (in MB);
   * `maxOldGenerationSizeMb` from 8. Default: none.
   */
  resourceLimits?: ResourceLimits
}

/** What a worker factory is told about a job. */
export interface JobInfo {
  readonly id: string
  readonly task: string
  readonly priority: number
  /** Which attempt this is, counted from 1. */
  readonly attempt: number
  readonly meta: unknown
}

/** Says which module runs a job. Called in the main thread each time a job is handed to a thread; must not be async. */
export type WorkerFactory = (job: JobInfo) => ModuleLocation | ModuleExport

export type WorkerMap<Names extends string = string> = Record<
  Names,
  ModuleLocation | (ModuleExport & TaskOptions)
>

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
const LONGEST_NAME = 256
/** With less than this no thread starts; some versions of Node.js then end the whole process. */
const LEAST_LIMITS_MB: ReadonlyMap<string, number> = new Map([
  ['maxOldGenerationSizeMb', 8],
  ['maxYoungGenerationSizeMb', 1],
  ['codeRangeSizeMb', 0],
  ['stackSizeMb', 1],
])
const TASK_OPTIONS = ['concurrency', 'attempts', 'backoff', 'timeout', 'resourceLimits']

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

function checkTaskName(name: unknown): void {
  if (
    typeof name !== 'string' ||
    name === '' ||
    Buffer.byteLength(name) > LONGEST_NAME ||
    !name.isWellFormed()
  )
    throw new OptionError(`a task's name must be a string of 1 to ${LONGEST_NAME} bytes, got ${show(name)}`)
}

function checkTaskOptions(options: TaskOptions, prefix: string): void {
  for (const name of Object.keys(options))
    if (!TASK_OPTIONS.includes(name))
      throw new OptionError(`${prefix}${name} is not known: use module, export, ${TASK_OPTIONS.join(', ')}`)
  const { concurrency, resourceLimits } = options
  if (concurrency !== undefined) checkInteger(`${prefix}concurrency`, concurrency, 1, 1024)
  checkAttemptOptions(options, prefix)
  if (resourceLimits === undefined) return
  if (typeof resourceLimits !== 'object' || resourceLimits === null)
    throw new OptionError(`${prefix}resourceLimits must be an object, got ${show(resourceLimits)}`)
  for (const [name, value] of Object.entries(resourceLimits)) {
    const least = LEAST_LIMITS_MB.get(name)
    if (least === undefined)
      throw new OptionError(
        `${prefix}resourceLimits.${name} is not known: use ${[...LEAST_LIMITS_MB.keys()].join(', ')}`,
      )
    checkNumber(`${prefix}resourceLimits.${name}`, value, least, Number.MAX_SAFE_INTEGER, 'MB')
  }
}

function resolveModule(given: unknown, name: string): WorkerModule {
  const { module, export: exportName = 'default' } =
    typeof given === 'object' && given !== null && !(given instanceof URL)
      ? (given as Partial<ModuleExport>)
      : { module: given }
  if (typeof module === 'function')
    throw new WorkerModuleError(
      `${name} is a function: a function cannot travel to another thread, where nothing of what it closes over exists. ` +
        `Put it into a file of its own, \`export default\` it, and give that file: new URL('../worker.js', import.meta.url)`,
    )
  if (typeof exportName !== 'string')
    throw new OptionError(`${name}.export must be the name of an export, got ${show(exportName)}`)
  if (module instanceof URL || (typeof module === 'string' && /^(file|data):/.test(module))) {
    const { protocol, href } = new URL(module)
    if (protocol === 'file:' || protocol === 'data:') return { url: href, exportName }
  } else if (typeof module === 'string' && module !== '') {
    return { url: pathToFileURL(resolve(module)).href, exportName }
  }
  throw new WorkerModuleError(
    `${name} must be a worker module: a file's path, a file: URL, or { module, export }; got ${show(module)}`,
  )
}

async function checkFile({ url }: WorkerModule, name: string): Promise<void> {
  if (!url.startsWith('file:')) return
  const path = fileURLToPath(url)
  const found = await stat(path).catch((cause: unknown) => {
    throw new WorkerModuleError(`${name}: there is no worker module at ${path}`, { cause })
  })
  if (!found.isFile()) throw new WorkerModuleError(`${name}: ${path} is not a file`)
}
