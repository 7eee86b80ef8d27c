/** What the outcomes and times of a step are to the store. */
import type { Claimed, Settlement } from '../../src/store/store.js'
import type { Outcome } from './model.js'

/** Far enough that nothing is due by itself. */
const FAR = Date.now() + 10 * 365 * 24 * 3_600_000

export function settlementOf(job: Claimed, name: string, outcome: Outcome, later: number): Settlement {
  if (outcome === 'completed')
    return { outcome, job, output: Buffer.from(`${name} done`), startedAt: Date.now() }
  if (outcome === 'released' || outcome === 'alone')
    return { outcome: 'released', job, alone: outcome === 'alone' }
  if (outcome === 'cancelled') return { outcome, job, head: job.head }
  const failure = { attempt: job.attempt, at: Date.now(), name: 'Error', message: 'no' }
  const failures = [...(job.head.failures ?? []), failure]
  const head = { ...job.head, attempt: job.attempt, failures }
  return outcome === 'failed'
    ? { outcome, job, head }
    : { outcome, job, head: { ...head, runAt: timeOf(later) || 1 } }
}

/** When something is due that is to happen so much later; 0 for now. */
export function timeOf(later: number): number {
  return later === 0 ? 0 : FAR + later
}
