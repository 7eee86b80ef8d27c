/** Which jobs the application asks for: what `queue.jobs()` and `queue.clean()` take. */

import { OptionError } from '../errors/errors.js'
import { checkInteger, checkNumber, checkOptions } from '../errors/option-checks.js'
import { FINISHED_STATES, type FinishedState, JOB_STATES, type JobState } from '../job/job.js'
import { checkId } from '../job/job-id.js'
import type { ListQuery } from '../store/store.js'

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
  /** Only those that finished more than this many ms ago. Default 0: all. */
  olderThan?: number
  /** Only those of this task. Default: all. */
  task?: Names
  /** At most so many. Default: all. */
  limit?: number
}

/**
 * The query as the store takes it.
 *
 * @throws {OptionError} a member is unknown, has the wrong type or is out of range.
 */
export function listQueryOf<Names extends string>(
  query: JobsQuery<Names>,
  laneOf: (task: Names) => number,
): ListQuery {
  checkOptions('jobs', query, ['state', 'task', 'limit', 'after'])
  const { state, task, limit = 100, after } = query
  for (const each of state === undefined ? [] : [state].flat()) checkState(each, JOB_STATES)
  checkInteger('limit', limit, 1, 10_000)
  return {
    limit,
    ...(state !== undefined && { states: [state].flat() }),
    ...(task !== undefined && { lane: laneOf(task) }),
    ...(after !== undefined && { after: checkId(after) }),
  }
}

/** @throws {OptionError} as above. */
export function checkCleanOptions(options: CleanOptions): void {
  checkOptions('clean', options, ['state', 'olderThan', 'task', 'limit'])
  const { state, olderThan, limit } = options
  if (state !== undefined) checkState(state, FINISHED_STATES)
  if (olderThan !== undefined) checkNumber('olderThan', olderThan, 0, Number.MAX_SAFE_INTEGER, 'ms')
  if (limit !== undefined) checkNumber('limit', limit, 0, Number.POSITIVE_INFINITY)
}

function checkState(state: unknown, known: readonly string[]): void {
  if (!known.includes(state as string))
    throw new OptionError(`state must be one of ${known.join(', ')}, got ${JSON.stringify(state)}`)
}
