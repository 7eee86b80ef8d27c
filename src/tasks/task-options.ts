/** The options and names of tasks, and their checks. */

import type { ResourceLimits } from 'node:worker_threads'
import { OptionError } from '../errors/errors.js'
import { checkInteger, checkNumber, show } from '../errors/option-checks.js'
import type { Backoff } from '../job/backoff.js'
import { checkAttemptOptions } from '../job/enqueue-options.js'

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

const LONGEST_NAME = 256
/** With less than this no thread starts; some versions of Node.js then end the whole process. */
const LEAST_LIMITS_MB: ReadonlyMap<string, number> = new Map([
  ['maxOldGenerationSizeMb', 8],
  ['maxYoungGenerationSizeMb', 1],
  ['codeRangeSizeMb', 0],
  ['stackSizeMb', 1],
])
const TASK_OPTIONS = ['concurrency', 'attempts', 'backoff', 'timeout', 'resourceLimits']

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

/** @throws {OptionError} an option is unknown, of the wrong type, or out of range. */
export function checkTaskOptions(options: TaskOptions, prefix: string): void {
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
