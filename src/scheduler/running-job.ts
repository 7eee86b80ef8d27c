/** A job on its way to a thread: what is stored of it, and which module runs it. */
import { decode } from '../codec/codec.js'
import { toErrorData } from '../errors/error-data.js'
import { formatId } from '../job/job-id.js'
import type { PoolJob } from '../pool/waybill/pack-waybill.js'
import type { Claimed, Settlement } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import type { Lane } from './lanes/lane.js'
import { failed } from './settling/outcomes.js'

export interface RunningJob extends PoolJob {
  readonly claimed: Claimed
  readonly lane: Lane
}

/** Finds the job's module; the attempt fails if there is none. */
export function prepare(claimed: Claimed, lane: Lane, tasks: Tasks): RunningJob | Settlement {
  const { place, head, attempt } = claimed
  const task = lane.config.name
  if (head.damage) return failed(claimed, lane.config, tasks, head.damage)
  try {
    const module = tasks.moduleFor(task, () => ({
      id: formatId(place),
      task,
      priority: place.priority,
      attempt,
      meta: head.meta && decode(head.meta),
    }))
    const timeoutMs = head.timeout ?? lane.config.timeout
    return { claimed, lane, task, module, timeoutMs, attempts: tasks.attemptsOf(task, head) }
  } catch (error) {
    return failed(claimed, lane.config, tasks, toErrorData(error))
  }
}
