/** The options of `JobQueue.open`, with their defaults and checks. */

import { availableParallelism } from 'node:os'
import { OptionError } from '../errors/errors.js'
import { checkInteger, checkNumber, checkOptions, show } from '../errors/option-checks.js'
import type { TrustOptions } from '../files/ownership.js'
import type { Backoff } from '../job/backoff.js'
import { type Duration, durationMs, LONGEST_TIMER_MS } from '../job/duration.js'
import { FINISHED_STATES, type FinishedState } from '../job/job.js'
import type { ThreadOptions } from '../pool/group/thread-starter.js'
import { MOST_THREADS } from '../pool/pool.js'
import type { Keep, Retention } from '../store/store.js'
import type { TaskOptions } from '../tasks/task-options.js'
import type { WorkerFactory, WorkerMap } from '../tasks/worker-module.js'
import type { BacklogBounds, OnFull } from './adding/backlog-limit.js'
import { checkMinWorkers, THREADS_OPTIONS, type ThreadsOptions, threadOptionsOf } from './thread-options.js'

export interface QueueOptions<Names extends string = string> extends TrustOptions, ThreadsOptions {
  /** Which module runs which task: a map from task name to worker module, or a worker factory. */
  workers: WorkerMap<Names> | WorkerFactory<Names>
  /** With a worker factory: options of single tasks. In a map they stand beside the module. */
  tasks?: Record<string, TaskOptions>
  /** How many threads run jobs at most: 0 (hold everything) to 1024. Default: `os.availableParallelism()`, or `minWorkers` if that is more. */
  maxWorkers?: number
  /** How often a job is tried before it fails for good: 1 to 1000. Default 3. */
  attempts?: number
  /** How long to wait before a job is tried again. Default: exponential from 1 s. */
  backoff?: Backoff
  /**
   * Longest run of one attempt: ms, or text such as `'5m'`; 0, the default, for none. The clock starts when the job's function is
   * called: neither waiting nor loading the module counts.
   */
  timeout?: Duration
  /**
   * Whether what jobs print (`console.*`, `process.stdout`, `process.stderr`) becomes lines of their logs, in place of standard output
   * and standard error: each `log` event says which job printed it. What is printed while no job runs is not captured. Default false.
   */
  captureConsole?: boolean
  /**
   * What an acknowledged job survives. `'disk'`, the default: a power cut (the write is fsynced). `'process'`: the death of
   * the process, in whatever way.
   */
  durability?: 'disk' | 'process'
  /**
   * How many finished jobs are kept, how many bytes they may take, and for how long they are kept. The oldest are deleted first.
   * Defaults: completed and cancelled ones `{ count: 10_000, bytes: 1 GiB, age: 1 day }`, failed ones `{ count: 100_000, bytes:
   * 4 GiB, age: 30 days }`. `Infinity` for no bound, 0 to keep none. The bytes of a job are what is stored of it: input, output,
   * `meta` and history. Counts from 1000 on, and bytes from 1 MiB on, may be exceeded by a tenth for up to a minute.
   *
   * With a completed job its input is kept, unless that is larger than `completed.input`: a size in bytes (default 16,384),
   * `true` for any, `false` for none.
   */
  keep?: {
    completed?: KeepOptions & { input?: boolean | number }
    failed?: KeepOptions
    cancelled?: KeepOptions
  }
  /**
   * How many jobs may wait or be delayed at most: `enqueue` adds no more. Jobs that come back (retries, recovered ones) are
   * never refused. At least 1; default Infinity.
   */
  maxBacklog?: number
  /**
   * How many bytes the jobs may take that wait or are delayed: `enqueue` adds no more, as with `maxBacklog`. At least 1; default
   * Infinity.
   */
  maxBacklogBytes?: number
  /**
   * What `enqueue` does when the backlog is full: `'wait'`, the default, for room, in the order of the calls; `'reject'`, with
   * a BacklogFullError.
   */
  onFull?: OnFull
  /** The largest encoded input, and the largest encoded `meta`, that is accepted, in bytes. Default 67,108,864 (64 MiB). */
  maxJobBytes?: number
  /** The largest encoded output or checkpoint that is accepted, in bytes: a larger output fails the attempt. Default 67,108,864 (64 MiB). */
  maxOutputBytes?: number
  /** How long an idle thread is kept before it is ended. Default 5 s. */
  idleTimeout?: Duration
  /**
   * How long a worker module may take to load, and for how long one that cannot be loaded is tried again before its jobs fail.
   * Meanwhile its task is held. 0: they fail at once (and loading may take a minute). Default 1 min.
   */
  loadTimeout?: Duration
  /**
   * How long a stopped job that reads `job.signal` may take to end, before its thread is ended, and how long what `setup` gave for
   * the end of a thread may take. Default 1 s.
   */
  abortGrace?: Duration
}

/** How many finished jobs of a state are kept, in how many bytes, and how long. */
interface KeepOptions {
  count?: number
  bytes?: number
  age?: Duration
}

export interface CloseOptions {
  /**
   * How long closing may take before jobs that still run are stopped and returned to the backlog. Default 8 s, which is less than
   * what `docker stop` waits before it kills. `Infinity` waits for as long as they run.
   */
  timeout?: Duration
  /**
   * Run the jobs that wait, too, before closing. Delayed jobs, and those whose next attempt is later, stay stored. Default false.
   */
  drain?: boolean
}

/** The options of `close`, with their defaults. */
export interface CloseSettings {
  readonly timeoutMs: number
  readonly drain: boolean
}

/** The options that are settled here; `Tasks` settles the others. */
export interface Settings {
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly threads: ThreadOptions
  readonly durability: 'disk' | 'process'
  readonly retention: Retention
  /** The largest encoded input that is kept with a completed job, in bytes; -1 for none. */
  readonly keptInputBytes: number
  readonly backlog: BacklogBounds
  readonly maxJobBytes: number
  readonly maxOutputBytes: number
  readonly idleTimeout: number
  readonly loadTimeout: number
  readonly abortGrace: number
  readonly trustDirectory: boolean
}

const CLOSE_TIMEOUT_MS = 8000
const DAY_MS = 24 * 3_600_000
const GIB = 2 ** 30

const KEEP: Retention = {
  completed: { count: 10_000, bytes: GIB, age: DAY_MS },
  failed: { count: 100_000, bytes: 4 * GIB, age: 30 * DAY_MS },
  cancelled: { count: 10_000, bytes: GIB, age: DAY_MS },
}

const KEPT_INPUT_BYTES = 16_384

const OPTIONS = [
  'workers',
  'tasks',
  'maxWorkers',
  ...THREADS_OPTIONS,
  'attempts',
  'backoff',
  'timeout',
  'captureConsole',
  'durability',
  'keep',
  'maxBacklog',
  'maxBacklogBytes',
  'onFull',
  'maxJobBytes',
  'maxOutputBytes',
  'idleTimeout',
  'loadTimeout',
  'abortGrace',
  'trustDirectory',
]

/** @throws {OptionError} an option is unknown, of the wrong type, or out of range. */
export function settingsOf(options: QueueOptions): Settings {
  checkOptions('open', options, OPTIONS)
  const {
    minWorkers = 0,
    maxWorkers,
    durability = 'disk',
    keep = {},
    maxBacklog = Number.POSITIVE_INFINITY,
    maxBacklogBytes = Number.POSITIVE_INFINITY,
    onFull = 'wait',
    maxJobBytes = 64 * 1024 * 1024,
    maxOutputBytes = 64 * 1024 * 1024,
    idleTimeout = 5000,
    loadTimeout = 60_000,
    abortGrace = 1000,
  } = options
  if (maxWorkers !== undefined) checkMaxWorkers(maxWorkers)
  checkMinWorkers(minWorkers, maxWorkers ?? MOST_THREADS)
  checkTrust(options)
  if (durability !== 'disk' && durability !== 'process')
    throw new OptionError(`durability must be 'disk' or 'process', got ${show(durability)}`)
  if (maxBacklog !== Number.POSITIVE_INFINITY)
    checkInteger('maxBacklog', maxBacklog, 1, Number.MAX_SAFE_INTEGER)
  if (maxBacklogBytes !== Number.POSITIVE_INFINITY)
    checkInteger('maxBacklogBytes', maxBacklogBytes, 1, Number.MAX_SAFE_INTEGER)
  if (onFull !== 'wait' && onFull !== 'reject')
    throw new OptionError(`onFull must be 'wait' or 'reject', got ${show(onFull)}`)
  checkInteger('maxJobBytes', maxJobBytes, 1, 2 ** 30)
  checkInteger('maxOutputBytes', maxOutputBytes, 1, 2 ** 30)
  return {
    maxWorkers: maxWorkers ?? Math.max(1, availableParallelism(), minWorkers),
    minWorkers,
    threads: threadOptionsOf(options),
    durability,
    retention: retentionOf(keep),
    keptInputBytes: keptInputBytesOf(keep.completed?.input),
    backlog: { jobs: maxBacklog, bytes: maxBacklogBytes, onFull },
    maxJobBytes,
    maxOutputBytes,
    idleTimeout: durationMs('idleTimeout', idleTimeout, LONGEST_TIMER_MS),
    loadTimeout: durationMs('loadTimeout', loadTimeout, LONGEST_TIMER_MS),
    abortGrace: durationMs('abortGrace', abortGrace, LONGEST_TIMER_MS),
    trustDirectory: options.trustDirectory ?? false,
  }
}

/** @throws {OptionError} as above. */
export function checkTrustOptions(method: string, options: TrustOptions): void {
  checkOptions(method, options, ['trustDirectory'])
  checkTrust(options)
}

function checkTrust({ trustDirectory = false }: TrustOptions): void {
  if (typeof trustDirectory !== 'boolean')
    throw new OptionError(`trustDirectory must be true or false, got ${show(trustDirectory)}`)
}

/** @throws {OptionError} as above. */
export function closeSettingsOf(options: CloseOptions): CloseSettings {
  checkOptions('close', options, ['timeout', 'drain'])
  const { timeout = CLOSE_TIMEOUT_MS, drain = false } = options
  if (typeof drain !== 'boolean') throw new OptionError(`drain must be true or false, got ${show(drain)}`)
  return { timeoutMs: durationMs('timeout', timeout, Number.POSITIVE_INFINITY), drain }
}

export function checkMaxWorkers(count: unknown): void {
  checkInteger('maxWorkers', count, 0, MOST_THREADS)
}

function retentionOf(keep: NonNullable<QueueOptions['keep']>): Retention {
  if (typeof keep !== 'object' || keep === null)
    throw new OptionError(`keep must be an object, got ${show(keep)}`)
  for (const name of Object.keys(keep))
    if (!Object.hasOwn(KEEP, name))
      throw new OptionError(`keep.${name} is not known: use ${FINISHED_STATES.join(', ')}`)
  const of = (state: FinishedState): Keep => {
    const bounds = keep[state] ?? {}
    const members = state === 'completed' ? ['count', 'bytes', 'age', 'input'] : ['count', 'bytes', 'age']
    if (typeof bounds !== 'object')
      throw new OptionError(`keep.${state} must be { ${members.join(', ')} }, got ${show(bounds)}`)
    for (const name of Object.keys(bounds))
      if (!members.includes(name))
        throw new OptionError(`keep.${state}.${name} is not known: use ${members.join(', ')}`)
    const { count = KEEP[state].count, bytes = KEEP[state].bytes, age = KEEP[state].age } = bounds
    checkNumber(`keep.${state}.count`, count, 0, Number.POSITIVE_INFINITY)
    checkNumber(`keep.${state}.bytes`, bytes, 0, Number.POSITIVE_INFINITY)
    return { count, bytes, age: durationMs(`keep.${state}.age`, age, Number.POSITIVE_INFINITY) }
  }
  return { completed: of('completed'), failed: of('failed'), cancelled: of('cancelled') }
}

function keptInputBytesOf(input: unknown = KEPT_INPUT_BYTES): number {
  if (typeof input === 'boolean') return input ? Number.POSITIVE_INFINITY : -1
  if (typeof input !== 'number' || !(input >= 0))
    throw new OptionError(`keep.completed.input must be true, false or a number of bytes, got ${show(input)}`)
  return input
}
