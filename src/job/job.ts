/**
 * What a job is: its states, its place in line, and what is stored of it.
 *
 * ```
 *            runAt later           due
 *  enqueue ─────────────▶ delayed ─────▶ waiting ──claim──▶ running ──▶ completed
 *     │                      ▲              ▲                  │  │ └──▶ failed      (attempts spent, or unrecoverable)
 *     └──────────────────────┼──────────────┴─────release──────┘  └────▶ cancelled
 *                            └────────────────────retry────────┘
 * ```
 */

import type { ErrorData, StoredFailure } from '../errors/error-data.js'
import type { BackoffMs } from './backoff.js'
import type { Notes } from './notes.js'

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
export interface Head extends Notes {
  /** How many attempts have been charged to it so far. */
  attempt?: number
  /** The first failed attempts and the latest ones: see `failures.ts`. */
  failures?: StoredFailure[]
  /** How many attempts have failed, if `failures` does not have all of them. */
  failureCount?: number
  /** Its history and options could not be read: it fails instead of being run without them. */
  damage?: ErrorData
  /** Its run may have ended a thread or process that other jobs were on: it runs in a waybill of its own. */
  alone?: boolean
  /** Attempts granted on top of the limit by `retry`. */
  granted?: number
  attempts?: number
  backoff?: BackoffMs
  timeout?: number
  key?: string
  /** The encoded `meta`. */
  meta?: Uint8Array
  /** When it runs at the earliest, in ms since the epoch. */
  runAt?: number
  /** When the latest attempt started, of a job that runs or has finished. In ms since the epoch, as all times. */
  startedAt?: number
  /** Of a finished job: when it finished, and where it stands in the retention index. */
  finishedAt?: number
  group?: number
}

/** A job in the store: its place, its history and its data. */
export interface StoredJob {
  readonly place: Place
  readonly state: JobState
  readonly enqueuedAt: number
  readonly head: Readonly<Head>
  /** The encoded input; the output, once it is completed. */
  readonly body: Uint8Array
  /** The encoded input of a completed job, if it was kept. */
  readonly input?: Uint8Array
}

/** What is kept of a job when an attempt has ended: with what it has noted meanwhile. */
export function headAfterAttempt(head: Readonly<Head>, notes: Notes | undefined): Readonly<Head> {
  return notes ? { ...head, ...notes } : head
}

/** The same of a job that has completed: no attempt follows that would go on from its checkpoint. */
export function headAfterCompletion(head: Readonly<Head>, notes: Notes | undefined): Readonly<Head> {
  if (!notes && !head.saved) return head
  const { saved: _saved, ...rest } = { ...head, ...notes }
  return rest
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
