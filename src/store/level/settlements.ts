/** What is written of jobs' outcomes: where the jobs go from transit, and what is left of their waybills. */
import { type Head, headAfterAttempt, headAfterCompletion } from '../../job/job.js'
import type { Settlement } from '../store.js'
import type { Delayed, DueEntry } from './backlog/delayed-jobs.js'
import { type ClaimedWaybill, encodeWaybill, type JobEntry } from './backlog/job-entry.js'
import type { JobNotes } from './backlog/job-notes.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { Counters } from './counters.js'
import type { FinishedJobs } from './finished/finished-jobs.js'
import { waybillKey } from './format/keys.js'
import type { Batch } from './group-commit.js'

export interface OutcomeParts {
  readonly counters: Counters
  readonly waiting: WaitingJobs
  readonly delayed: Delayed
  readonly finished: FinishedJobs
  readonly notes: JobNotes
}

/** Puts outcomes into the group, and what is left of their waybills. `goesOn` is told of each job that waits, or is delayed, now. */
export function putOutcomes(
  parts: OutcomeParts,
  batch: Batch,
  settlements: readonly Settlement[],
  now: number,
  goesOn: (entry: JobEntry | DueEntry) => void,
): void {
  const touched = new Set<ClaimedWaybill>()
  const shortened = new Set<ClaimedWaybill>()
  let latest: ClaimedWaybill | undefined
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
    // The job keeps its attempt number. Once it waits again, recovery would take it for running by this waybill, so that is
    // written again without it.
    if (settlement.outcome === 'released' || settlement.outcome === 'cancelled') shortened.add(waybill)
  }
  for (const waybill of touched) {
    const key = waybillKey(waybill.number)
    if (waybill.left === 0) batch.del(key)
    else if (shortened.has(waybill)) batch.put(key, encodeWaybill(openJobsOf(waybill), waybill.isInDoubt))
  }
}

function openJobsOf(waybill: ClaimedWaybill): JobEntry[] {
  return waybill.jobs.filter((job) => job.waybill === waybill)
}

/** Puts one outcome into the group. What waits or is delayed because of it. */
function putOutcome(
  parts: OutcomeParts,
  batch: Batch,
  settlement: Settlement,
  job: JobEntry,
  now: number,
): JobEntry | DueEntry | undefined {
  const { counters, waiting, delayed, finished } = parts
  const { place, enqueuedAt } = job
  const notes = parts.notes.take(batch, job)
  /** The job waits on with another history: by itself from now on. */
  const rewrite = (head: Head): JobEntry => {
    if (job.chunk) waiting.delete(batch, job)
    const rewritten = waiting.put(batch, place, job.recordWith(headAfterAttempt(head, notes)))
    counters.add(place.lane, 'waiting', 0, rewritten.storedBytes - job.storedBytes)
    return rewritten
  }
  if (settlement.outcome === 'released') {
    job.startedAt = undefined
    if (settlement.alone && !job.alone) return rewrite({ ...job.head, alone: true })
    return notes ? rewrite(job.head) : job
  }
  if (settlement.outcome === 'retry' && (settlement.head.runAt ?? 0) <= now) return rewrite(settlement.head)
  waiting.delete(batch, job)
  counters.add(place.lane, 'waiting', -1, -job.storedBytes)
  switch (settlement.outcome) {
    case 'retry': {
      const { head } = settlement
      const record = job.recordWith(headAfterAttempt(head, notes))
      return delayed.put(batch, place, head.runAt ?? now, record)
    }
    case 'completed': {
      const { attempt, head } = job
      const ran = { attempt, startedAt: settlement.startedAt }
      const completed = {
        place,
        head: headAfterCompletion(head, notes),
        enqueuedAt,
        body: settlement.output,
      }
      finished.finish(batch, 'completed', completed, ran, job)
      return undefined
    }
    default: {
      const { outcome } = settlement
      const head = headAfterAttempt(settlement.head, notes)
      finished.finish(batch, outcome, { place, head, enqueuedAt, body: job.input })
      return undefined
    }
  }
}
