/** What a waybill's thread is sent: each module and task once, the jobs in one buffer. */
import type { Limit } from '../../codec/cost.js'
import type { WorkerModule } from '../../tasks/worker-module.js'
import type { DispatchedWaybill } from './dispatched-waybill.js'
import type { Timed } from './result.js'
import { type Carried, packJobs, type WaybillMessage } from './waybill.js'

/** A job as the pool needs to know it. */
export interface PoolJob extends Timed {
  readonly claimed: Carried
  readonly task: string
  readonly module: WorkerModule
  /** How many attempts it has in all. */
  readonly attempts: number
}

export function packWaybill(
  { number, state, jobs }: DispatchedWaybill<PoolJob>,
  outputLimit: Limit,
  isShared: boolean,
): WaybillMessage {
  const kinds: (WorkerModule & { task: string })[] = []
  const kindOf = new Uint32Array(jobs.length)
  let kind = -1
  for (let index = 0; index < jobs.length; index++) {
    const { task, module } = jobs[index] as PoolJob
    // Most are of the kind of the one before.
    if (!isOfKind(kinds[kind], task, module)) kind = kinds.findIndex((each) => isOfKind(each, task, module))
    if (kind < 0) kind = kinds.push({ ...module, task }) - 1
    kindOf[index] = kind
  }
  return { number, isShared, state: state.buffer, outputLimit, kinds, jobs: packJobs(jobs, kindOf) }
}

function isOfKind(
  kind: (WorkerModule & { task: string }) | undefined,
  task: string,
  { url, exportName }: WorkerModule,
): boolean {
  return kind !== undefined && kind.task === task && kind.url === url && kind.exportName === exportName
}
