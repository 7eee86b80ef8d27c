/** The options of `enqueue`: their checks, and what is stored of them. */

import { encode } from '../codec/codec.js'
import type { Limit } from '../codec/cost.js'
import { OptionError } from '../errors/errors.js'
import { checkInteger, checkOptions, show } from '../errors/option-checks.js'
import { type Backoff, type BackoffMs, backoffInMs } from './backoff.js'
import { type Duration, durationMs } from './duration.js'
import type { Head } from './job.js'

/** How a job is enqueued. */
export interface EnqueueOptions<Meta = unknown> {
  /** Lower runs first. An integer from -32768 to 32767, default 0. */
  priority?: number
  /** Run no earlier than after this time: ms, or text such as `'5s'`. Default 0. Not together with `runAt`. */
  delay?: Duration
  /** Run no earlier than this time: a Date, or ms since the epoch. */
  runAt?: number | Date
  /** How often it is tried before it fails for good: 1 to 1000. Default: the task's, else 3. */
  attempts?: number
  /** How long to wait before it is tried again. Default: the task's, else exponential from 1 s. */
  backoff?: Backoff
  /** Longest run of one attempt, counted from its own start; 0 for none. Default: the task's, else 0. */
  timeout?: Duration
  /** While a job of this task with this key is waiting, delayed, running or retained, enqueueing gives that job. */
  key?: string
  /** Small data that the worker factory, the worker and the application's event handlers see beside the input. */
  meta?: Meta
}

const LONGEST_KEY = 1024
const ENQUEUE_OPTIONS = ['priority', 'delay', 'runAt', 'attempts', 'backoff', 'timeout', 'key', 'meta']
const LATEST = 2 ** 48 - 1

/** Two texts that are not well-formed could be the same key, as bytes. */
function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new OptionError(`key must be a string, got ${show(key)}`)
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > LONGEST_KEY)
    throw new OptionError(`key must be a string of 1 to ${LONGEST_KEY} bytes, got ${bytes} bytes`)
  if (!key.isWellFormed()) throw new OptionError(`key must be well-formed text, got ${show(key)}`)
}

/**
 * What is to be stored of a job's options: nothing, if they are all left to their defaults.
 *
 * @throws {OptionError} an option is unknown, of the wrong type, or out of range. @throws {ValueError} `meta` cannot be carried.
 * @throws {TooLargeError} `meta` is too large.
 */
export function headOfOptions(options: EnqueueOptions | undefined, metaLimit?: Limit): Head | undefined {
  if (options === undefined) return undefined
  checkOptions('enqueue', options, ENQUEUE_OPTIONS)
  const { priority, delay, runAt, key, meta } = options
  if (priority !== undefined) checkInteger('priority', priority, -32_768, 32_767)
  if (delay !== undefined && runAt !== undefined) throw new OptionError('give delay or runAt, not both')
  if (key !== undefined) checkKey(key)
  const delayMs = delay === undefined ? 0 : durationMs('delay', delay)
  const head: Head = {
    ...(delayMs > 0 && { runAt: Math.ceil(Date.now() + delayMs) }),
    ...(runAt !== undefined && { runAt: timeOf(runAt) }),
    ...attemptSettingsOf(options),
    ...(key !== undefined && { key }),
    ...(meta !== undefined && { meta: encode(meta, 'meta', metaLimit) }),
  }
  return Object.keys(head).length > 0 ? head : undefined
}

/** The time in ms since the epoch, never earlier than given. */
function timeOf(runAt: unknown): number {
  const ms = runAt instanceof Date ? runAt.getTime() : runAt
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= LATEST))
    throw new OptionError(`runAt must be a Date, or a number of ms since 1970, got ${show(runAt)}`)
  return Math.ceil(ms)
}

/** The options that a task and a job share, with times in ms. */
export interface AttemptSettings {
  readonly attempts?: number
  readonly backoff?: BackoffMs
  readonly timeout?: number
}

/** `prefix` says where the options were given. @throws {OptionError} as above. */
export function attemptSettingsOf(
  { attempts, backoff, timeout }: Pick<EnqueueOptions, 'attempts' | 'backoff' | 'timeout'>,
  prefix = '',
): AttemptSettings {
  if (attempts !== undefined) checkInteger(`${prefix}attempts`, attempts, 1, 1000)
  return {
    ...(attempts !== undefined && { attempts }),
    ...(backoff !== undefined && { backoff: backoffInMs(backoff, `${prefix}backoff`) }),
    ...(timeout !== undefined && { timeout: durationMs(`${prefix}timeout`, timeout) }),
  }
}
