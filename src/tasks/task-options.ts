/** The options and names of tasks, and their checks. */

import type { ResourceLimits } from 'node:worker_threads'
import { OptionError } from '../errors/errors.js'
import { checkInteger, checkNumber, show } from '../errors/option-checks.js'
import type { Backoff } from '../job/backoff.js'
import type { Duration } from '../job/duration.js'
import { type AttemptSettings, attemptSettingsOf } from '../job/enqueue-options.js'

/** What a task's jobs have in common. */
export interface TaskOptions {
  /** At most so many jobs of this task run at once: 1 to 1024. Default: no limit but the threads that there are. */
  concurrency?: number
  /**
   * So many jobs of this task share one thread at the same time: 1 to 1024. For asynchronous functions that mostly wait, for other
   * services for example. Default: 1.
   */
  perThread?: number
  /** Default for its jobs, see `EnqueueOptions`. */
  attempts?: number
  /** Default for its jobs, see `EnqueueOptions`. */
  backoff?: Backoff
  /** Default for its jobs, see `EnqueueOptions`. */
  timeout?: Duration
  /**
   * Memory limits of the threads that run this task, as Node's `worker_threads` takes them (in MB):
   * `maxOldGenerationSizeMb` from 8, `maxYoungGenerationSizeMb` from 1, `codeRangeSizeMb` up to 512, `stackSizeMb` from 1 to
   * 1024. Default: none.
   */
  resourceLimits?: ResourceLimits
  /**
   * Whether what its jobs print (`console.*`, `process.stdout`, `process.stderr`) becomes lines of their logs, in place of standard
   * output and standard error. Default: that of `open`.
   */
  captureConsole?: boolean
}

const LONGEST_NAME = 256
/** Outside of these bounds no thread starts, or V8 ends the whole process. */
const LIMITS_MB: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ['maxOldGenerationSizeMb', [8, Number.MAX_SAFE_INTEGER]],
  ['maxYoungGenerationSizeMb', [1, Number.MAX_SAFE_INTEGER]],
  ['codeRangeSizeMb', [0, 512]],
  ['stackSizeMb', [1, 1024]],
])
const TASK_OPTIONS = [
  'concurrency',
  'perThread',
  'attempts',
  'backoff',
  'timeout',
  'resourceLimits',
  'captureConsole',
]

/** @throws {OptionError} it is no task name. */
export function checkTaskName(name: unknown): void {
  if (
    typeof name !== 'string' ||
    name === '' ||
    Buffer.byteLength(name) > LONGEST_NAME ||
    !name.isWellFormed()
  )
    throw new OptionError(`a task's name must be a string of 1 to ${LONGEST_NAME} bytes, got ${show(name)}`)
}

/** Checks the options of one task. @throws {OptionError} an option is unknown, of the wrong type, or out of range. */
export function attemptSettingsOfTask(options: TaskOptions, prefix: string): AttemptSettings {
  for (const name of Object.keys(options))
    if (!TASK_OPTIONS.includes(name))
      throw new OptionError(`${prefix}${name} is not known: use module, export, ${TASK_OPTIONS.join(', ')}`)
  const { concurrency, perThread, resourceLimits, captureConsole } = options
  checkCaptureConsole(captureConsole, prefix)
  if (concurrency !== undefined) checkInteger(`${prefix}concurrency`, concurrency, 1, 1024)
  if (perThread !== undefined) checkInteger(`${prefix}perThread`, perThread, 1, 1024)
  if (resourceLimits !== undefined) checkResourceLimits(resourceLimits, prefix)
  return attemptSettingsOf(options, prefix)
}

/** @throws {OptionError} it is neither true nor false. */
export function checkCaptureConsole(captureConsole: unknown, prefix = ''): void {
  if (captureConsole !== undefined && typeof captureConsole !== 'boolean')
    throw new OptionError(`${prefix}captureConsole must be true or false, got ${show(captureConsole)}`)
}

function checkResourceLimits(resourceLimits: unknown, prefix: string): void {
  if (typeof resourceLimits !== 'object' || resourceLimits === null)
    throw new OptionError(`${prefix}resourceLimits must be an object, got ${show(resourceLimits)}`)
  for (const [name, value] of Object.entries(resourceLimits)) {
    const bounds = LIMITS_MB.get(name)
    if (!bounds)
      throw new OptionError(
        `${prefix}resourceLimits.${name} is not known: use ${[...LIMITS_MB.keys()].join(', ')}`,
      )
    checkNumber(`${prefix}resourceLimits.${name}`, value, ...bounds, 'MB')
  }
}
