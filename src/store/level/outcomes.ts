/** What is written of jobs' outcomes: where the jobs go from transit, and what is left of their waybills. */
import type { Head } from '../../job.js'
import type { Settlement } from '../store.js'
import type { Delayed, DueEntry } from './delayed.js'
import { encodeWaybill, type JobEntry, type Waybill } from './entry.js'
import { waybillKey } from './keys.js'
import type { Ledger } from './ledger.js'
import type { Retainer } from './retainer.js'
import type { WaitingJobs } from './waiting.js'
import type { Batch } from './writer.js'

export interface OutcomeParts {
  readonly ledger: Ledger
  readonly waiting: WaitingJobs
  readonly delayed: Delayed
  readonly retainer: Retainer
}

/** Puts outcomes into the group, and what is left of their waybills. `goesOn` is told of each job that waits, or is delayed, now. */
export function putOutcomes(
  parts: OutcomeParts,
  batch: Batch,
  settlements: readonly Settlement[],
  now: number,
  goesOn: (entry: JobEntry | DueEntry) => void,
): void {
  const touched = new Set<Waybill>()
  const shortened = new Set<Waybill>()
  let latest: Waybill | undefined
  for (const settlement of settlements) {
    const job = settlement.job as JobEntry
    const entry = putOutcome(parts, batch, settlement, job, now)
    if (entry) goesOn(entry)
    const { waybill } = job
    if (!waybill) continue
    job.waybill = undefined
    waybill.left--
    if (latest !== waybill) touched.add(waybill)
    latest = waybill
    // No attempt was charged that would tell this waybill's run from the job's next one.
    if (settlement.outcome === 'released' || settlement.outcome === 'cancelled') shortened.add(waybill)
  }
  for (const waybill of touched) {
    const key = waybillKey(waybill.number)
    if (waybill.left === 0) batch.del(key)
    else if (shortened.has(waybill)) batch.put(key, encodeWaybill(openJobsOf(waybill), waybill.isAhead))
  }
}

function openJobsOf(waybill: Waybill): JobEntry[] {
  return waybill.jobs.filter((job) => job.waybill === waybill)
}

/** Puts one outcome into the group. What waits or is delayed because of it. */
function putOutcome(
  { ledger, waiting, delayed, retainer }: OutcomeParts,
  batch: Batch,
  settlement: Settlement,
  job: JobEntry,
  now: number,
): JobEntry | DueEntry | undefined {
  const { place, enqueuedAt } = job
  /** The job waits on with another history: by itself from now on. */
  const rewrite = (head: Head): JobEntry => {
    if (job.chunk) waiting.delete(batch, job)
    return waiting.put(batch, place, job.recordWith(head))
  }
  if (settlement.outcome === 'released')
    return settlement.alone && !job.alone ? rewrite({ ...job.head, alone: true }) : job
  if (settlement.outcome === 'retry' && (settlement.head.runAt ?? 0) <= now) return rewrite(settlement.head)
  waiting.delete(batch, job)
  ledger.add(place.lane, 'waiting', -1)
  switch (settlement.outcome) {
    case 'retry': {
      const { head } = settlement
      return delayed.put(batch, place, head.runAt ?? now, job.recordWith(head))
    }
    case 'completed': {
      const { attempt, head } = job
      const ran = { attempt, startedAt: settlement.startedAt }
      const chunk = job.chunk?.isApart ? undefined : job.chunk
      const completed = { place, head, enqueuedAt, body: settlement.output }
      retainer.finish(batch, 'completed', completed, ran, chunk)
      return undefined
    }
    default: {
      const { outcome, head } = settlement
      retainer.finish(batch, outcome, { place, head, enqueuedAt, body: job.input })
      return undefined
    }
  }
}
