/**
 * A job: its place in line, its states, the options it is enqueued with, and what is kept of its history.
 *
 * ```
 *            runAt later           due
 *  enqueue ─────────────▶ delayed ─────▶ waiting ──claim──▶ running ──▶ completed
 *     │                      ▲              ▲                  │  │ └──▶ failed      (attempts spent, or unrecoverable)
 *     └──────────────────────┼──────────────┴─────release──────┘  └────▶ cancelled
 *                            └────────────────────retry────────┘
 * ```
 */

import { encode } from '../codec/codec.js'
import type { ErrorData, Failure } from '../errors/error-data.js'
import { OptionError } from '../errors/errors.js'
import { checkInteger, checkNumber, checkOptions, show } from '../errors/option-checks.js'
import { type Backoff, checkBackoff } from './backoff.js'

export const JOB_STATES = ['waiting', 'delayed', 'running', 'completed', 'failed', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

/** The states that a job does not leave by itself. */
export const FINISHED_STATES = ['completed', 'failed', 'cancelled'] as const
export type FinishedState = (typeof FINISHED_STATES)[number]

/** How many jobs are in each state. */
export type JobCounts = Record<JobState, number>

/**
 * A job's place in line, which is also its identity: the lane of its task, its priority, and a number that only grows. It is
 * written as 24 hexadecimal digits that sort as the jobs of one lane run.
 */
export interface Place {
  /** The task's line of jobs, an integer below 2^32. */
  readonly lane: number
  /** Lower runs first, from -32768 to 32767. */
  readonly priority: number
  /** Unique in its directory, below 2^48. */
  readonly seq: number
}

/** What is kept of a job beside its place and its data. Absent members have their default. */
export interface Head {
  /** How many attempts have been charged to it so far. */
  attempt?: number
  failures?: Failure[]
  /** Its history and options could not be read: it fails instead of being run without them. */
  damage?: ErrorData
  /** Its run may have ended a thread or process that other jobs were on: it runs in a waybill of its own. */
  alone?: boolean
  /** Attempts granted on top of the limit by `retry`. */
  granted?: number
  attempts?: number
  backoff?: Backoff
  timeout?: number
  key?: string
  /** The encoded `meta`. */
  meta?: Uint8Array
  /** When it runs at the earliest, in ms since the epoch. */
  runAt?: number
  /** Of a finished job: times in ms since the epoch, and where it stands in the retention index. */
  startedAt?: number
  finishedAt?: number
  group?: number
}

/** A job in the store: its place, its history and its data (the encoded input; the output, once it is completed). */
export interface StoredJob {
  readonly place: Place
  readonly state: JobState
  readonly enqueuedAt: number
  readonly head: Readonly<Head>
  readonly body: Uint8Array
}

/** How a job is enqueued. Times are in ms. */
export interface EnqueueOptions<Meta = unknown> {
  /** Lower runs first. An integer from -32768 to 32767, default 0. */
  priority?: number
  /** Run no earlier than this many ms from now. Default 0. Not together with `runAt`. */
  delay?: number
  /** Run no earlier than this time: a Date, or ms since the epoch. */
  runAt?: number | Date
  /** How often it is tried before it fails for good: 1 to 1000. Default: the task's, else 3. */
  attempts?: number
  /** How long to wait before it is tried again. Default: the task's, else exponential from 1 s. */
  backoff?: Backoff
  /** Longest run of one attempt, in ms, counted from its own start; 0 for none. Default: the task's, else 0. */
  timeout?: number
  /** While a job of this task with this key is waiting, delayed, running or retained, enqueueing gives that job. */
  key?: string
  /** Small data that the worker factory, the worker and the application's event handlers see beside the input. */
  meta?: Meta
}

const PLACE_TEXT = /^[0-9a-f]{24}$/
const PRIORITY_OFFSET = 32_768

/** A place as text. */
export function formatId({ lane, priority, seq }: Place): string {
  return hex(lane, 8) + hex(priority + PRIORITY_OFFSET, 4) + hex(seq, 12)
}

/** The place that an id stands for, or `undefined` if the text is no id. */
export function parseId(id: string): Place | undefined {
  if (typeof id !== 'string' || !PLACE_TEXT.test(id)) return undefined
  return {
    lane: Number.parseInt(id.slice(0, 8), 16),
    priority: Number.parseInt(id.slice(8, 12), 16) - PRIORITY_OFFSET,
    seq: Number.parseInt(id.slice(12), 16),
  }
}

/** The place that an id given by the application stands for. @throws {OptionError} the text is no id. */
export function checkId(id: string): Place {
  const place = parseId(id)
  if (!place) throw new OptionError(`a job's id is 24 hexadecimal digits, got ${show(id)}`)
  return place
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

const LONGEST_KEY = 1024
const ENQUEUE_OPTIONS = ['priority', 'delay', 'runAt', 'attempts', 'backoff', 'timeout', 'key', 'meta']
const LATEST = 2 ** 48 - 1

/** @throws {OptionError} an option is unknown, of the wrong type, or out of range. */
export function checkEnqueueOptions(options: EnqueueOptions): void {
  checkOptions('enqueue', options, ENQUEUE_OPTIONS)
  const { priority, delay, runAt, key } = options
  if (priority !== undefined) checkInteger('priority', priority, -32_768, 32_767)
  if (delay !== undefined && runAt !== undefined) throw new OptionError('give delay or runAt, not both')
  if (delay !== undefined) checkNumber('delay', delay, 0, LATEST / 2)
  if (runAt !== undefined)
    checkNumber(
      'runAt',
      runAt instanceof Date ? runAt.getTime() : runAt,
      0,
      LATEST,
      'a Date or ms since 1970',
    )
  if (key !== undefined) checkKey(key)
  checkAttemptOptions(options)
}

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
 * @throws {OptionError} as `checkEnqueueOptions` does. @throws {ValueError} `meta` cannot be carried.
 */
export function headOfOptions(options: EnqueueOptions | undefined): Head | undefined {
  if (options === undefined) return undefined
  checkEnqueueOptions(options)
  const { delay, runAt, attempts, backoff, timeout, key, meta } = options
  const head: Head = {
    ...(delay !== undefined && delay > 0 && { runAt: Math.ceil(Date.now() + delay) }),
    ...(runAt !== undefined && { runAt: Math.ceil(runAt instanceof Date ? runAt.getTime() : runAt) }),
    ...(attempts !== undefined && { attempts }),
    ...(backoff !== undefined && { backoff }),
    ...(timeout !== undefined && { timeout }),
    ...(key !== undefined && { key }),
    ...(meta !== undefined && { meta: encode(meta, 'meta') }),
  }
  return Object.keys(head).length > 0 ? head : undefined
}

/** A job as it stands right after it was enqueued. */
export function storedAsEnqueued(
  place: Place,
  head: Readonly<Head> | undefined,
  enqueuedAt: number,
  body: Uint8Array,
): StoredJob {
  const isDelayed = head?.runAt !== undefined && head.runAt > enqueuedAt
  return { place, state: isDelayed ? 'delayed' : 'waiting', enqueuedAt, head: head ?? {}, body }
}

/** The options that a task and a job share. @throws {OptionError} as above. */
export function checkAttemptOptions(
  { attempts, backoff, timeout }: Pick<EnqueueOptions, 'attempts' | 'backoff' | 'timeout'>,
  prefix = '',
): void {
  if (attempts !== undefined) checkInteger(`${prefix}attempts`, attempts, 1, 1000)
  if (timeout !== undefined) checkNumber(`${prefix}timeout`, timeout, 0, LATEST / 2, 'ms')
  if (backoff !== undefined) checkBackoff(backoff, `${prefix}backoff`)
}
