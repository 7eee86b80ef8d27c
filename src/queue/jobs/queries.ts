/** Which jobs the application asks for: what `queue.jobs()`, `queue.clean()` and `queue.cancelAll()` take. */

import { OptionError } from '../../errors/errors.js'
import { checkInteger, checkNumber, checkOptions, show } from '../../errors/option-checks.js'
import { type Duration, durationMs } from '../../job/duration.js'
import { FINISHED_STATES, type FinishedState, JOB_STATES, type JobState } from '../../job/job.js'
import { checkId } from '../../job/job-id.js'
import type { JobFilter, ListQuery } from '../../store/store.js'

/** Which jobs to list. */
export interface JobsQuery<Names extends string = string> {
  /** Default: all. */
  state?: JobState | readonly JobState[]
  /** Default: all. */
  task?: Names
  /** At most so many: 1 to 10,000. Default 100. */
  limit?: number
  /** Only what comes after this id: the last one of the page before. */
  after?: string
}

export interface CleanOptions<Names extends string = string> {
  /** Which finished jobs. Default `'completed'`. */
  state?: FinishedState
  /** Only those that finished longer ago than this: ms, or text such as `'7d'`. Default 0: all. */
  olderThan?: Duration
  /** Only those of this task. Default: all. */
  task?: Names
  /** At most so many. Default: all. */
  limit?: number
}

/** Which jobs `cancelAll`, `retryAll` and `removeAll` change. */
export interface ManyJobs<State extends JobState = JobState, Names extends string = string> {
  /** A state, or a list of them. Default: those that the method says. */
  state?: State | readonly State[]
  /** Default: all. */
  task?: Names
}

/** The states that jobs may be in for a change of many, and those that it changes by default. */
interface StatesOfChange {
  readonly allowed: readonly JobState[]
  readonly byDefault: readonly JobState[]
}

// In this order a delayed job that falls due meanwhile is found among the waiting ones, and a claimed one among the running ones.
const UNFINISHED = ['delayed', 'waiting', 'running'] as const
const NOT_RUNNING = ['delayed', 'waiting', 'completed', 'failed', 'cancelled'] as const

/** Which jobs each method changes. */
export const STATES_OF = {
  cancelAll: { allowed: UNFINISHED, byDefault: UNFINISHED },
  retryAll: { allowed: ['delayed', 'failed', 'cancelled'], byDefault: ['failed'] },
  removeAll: { allowed: NOT_RUNNING, byDefault: NOT_RUNNING },
} as const satisfies Record<string, StatesOfChange>

/**
 * The filter as the store takes it; `undefined` if the task has no job.
 *
 * @throws {OptionError} a member is unknown, or has the wrong type.
 */
export function filterOf(
  method: keyof typeof STATES_OF,
  filter: ManyJobs,
  findLane: (task: string) => number | undefined,
): JobFilter | undefined {
  checkOptions(method, filter, ['state', 'task'])
  const { allowed, byDefault }: StatesOfChange = STATES_OF[method]
  const { state = byDefault, task } = filter
  const wanted = [state].flat()
  for (const each of wanted) checkState(each, allowed)
  const states = allowed.filter((each) => wanted.includes(each))
  if (task === undefined) return { states }
  const lane = findLane(task)
  return lane === undefined ? undefined : { states, lane }
}

/**
 * The query as the store takes it; `undefined` if the task has no job.
 *
 * @throws {OptionError} a member is unknown, has the wrong type or is out of range.
 */
export function listQueryOf<Names extends string>(
  query: JobsQuery<Names>,
  findLane: (task: Names) => number | undefined,
): ListQuery | undefined {
  checkOptions('jobs', query, ['state', 'task', 'limit', 'after'])
  const { state, task, limit = 100, after } = query
  for (const each of state === undefined ? [] : [state].flat()) checkState(each, JOB_STATES)
  checkInteger('limit', limit, 1, 10_000)
  const lane = task === undefined ? undefined : findLane(task)
  if (task !== undefined && lane === undefined) return undefined
  return {
    limit,
    ...(state !== undefined && { states: [state].flat() }),
    ...(lane !== undefined && { lane }),
    ...(after !== undefined && { after: checkId(after) }),
  }
}

/** What `clean` deletes, as the store takes it. */
export interface CleanQuery {
  readonly state: FinishedState
  /** Jobs that finished before this time, in ms since the epoch. */
  readonly before: number
  readonly limit: number
  readonly lane: number | undefined
}

/** `undefined` as above. @throws {OptionError} as above. */
export function cleanQueryOf<Names extends string>(
  options: CleanOptions<Names>,
  findLane: (task: Names) => number | undefined,
): CleanQuery | undefined {
  checkOptions('clean', options, ['state', 'olderThan', 'task', 'limit'])
  const { state = 'completed', olderThan = 0, task, limit = Number.POSITIVE_INFINITY } = options
  checkState(state, FINISHED_STATES)
  checkNumber('limit', limit, 0, Number.POSITIVE_INFINITY)
  const ageMs = durationMs('olderThan', olderThan)
  // Jobs that finished in this very millisecond are older than 0.
  const before = Date.now() - ageMs + (ageMs === 0 ? 1 : 0)
  const lane = task === undefined ? undefined : findLane(task)
  return task !== undefined && lane === undefined ? undefined : { state, before, limit, lane }
}

function checkState(state: unknown, known: readonly string[]): void {
  if (!known.includes(state as string))
    throw new OptionError(`state must be one of ${known.join(', ')}, got ${show(state)}`)
}
