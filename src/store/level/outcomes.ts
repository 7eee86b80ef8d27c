/** What is written of a job's outcome: where the job goes from transit. */
import type { Head } from '../../job.js'
import type { Settlement } from '../store.js'
import type { Delayed, DueEntry } from './delayed.js'
import type { JobEntry } from './entry.js'
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

/** Puts one outcome into the group. What waits or is delayed because of it. */
export function putOutcome(
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
