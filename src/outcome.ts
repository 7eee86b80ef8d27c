/** From what became of an attempt to what is recorded of it, and to what the application is told. */
import { backoffDelay } from './backoff.js'
import type { ErrorData, Failure } from './errors.js'
import type { Head, JobState, Place } from './job.js'
import type { Result } from './pool/waybill-out.js'
import type { Claimed, Settlement } from './store/store.js'
import type { TaskConfig, Tasks } from './tasks.js'

/** A job that is settled, as the application is told. */
export interface Settled {
  readonly place: Place
  readonly state: Exclude<JobState, 'running'>
  readonly enqueuedAt: number
  readonly head: Readonly<Head>
  /** The output of a completed job, else the input. */
  readonly body: Uint8Array
}

/** A job that was handed out, as its outcome needs to know it. */
interface HandedOut {
  readonly claimed: Claimed
  readonly lane: { readonly config: TaskConfig }
  readonly timeoutMs: number
}

/** What is to be recorded of a job that was handed out. */
export function settlementOf(result: Result<HandedOut>, tasks: Tasks): Settlement {
  const { lane, claimed, timeoutMs } = result.job
  switch (result.kind) {
    case 'completed':
      return {
        outcome: 'completed',
        job: claimed,
        output: result.output,
        startedAt: Date.now() - result.ranMs,
      }
    case 'threw':
    case 'died':
      return failed(claimed, lane.config, tasks, result.error)
    case 'returned':
      return { outcome: 'released', job: claimed, alone: result.alone }
    case 'stopped':
      if (result.reason === 'cancelled') return cancelled(claimed)
      if (result.reason === 'closing') return { outcome: 'released', job: claimed }
      return failed(claimed, lane.config, tasks, timedOut(timeoutMs))
  }
}

/** An attempt has failed: again later, or for good. */
export function failed(job: Claimed, config: TaskConfig, tasks: Tasks, error: ErrorData): Settlement {
  const now = Date.now()
  const failure: Failure = { attempt: job.attempt, at: now, ...error }
  const failures = [...(job.head.failures ?? []), failure]
  const head: Head = { ...job.head, attempt: job.attempt, failures }
  const isFinal = error.code === 'MILLRACE_UNRECOVERABLE'
  if (isFinal || job.attempt >= tasks.attemptsOf(config.name, job.head))
    return { outcome: 'failed', job, head }
  const delay = backoffDelay(head.backoff ?? config.backoff, failures.length)
  return { outcome: 'retry', job, head: { ...head, runAt: now + delay } }
}

export function cancelled(job: Claimed): Settlement {
  return { outcome: 'cancelled', job, head: job.head }
}

function timedOut(timeoutMs: number): ErrorData {
  return {
    name: 'TimeoutError',
    message: `the job ran longer than its timeout of ${timeoutMs} ms`,
    code: 'MILLRACE_TIMEOUT',
  }
}

/** What the application is told, once that is recorded. */
export function settledOf(settlement: Exclude<Settlement, { outcome: 'released' }>): Settled {
  const { job } = settlement
  const { place, enqueuedAt } = job
  switch (settlement.outcome) {
    case 'completed': {
      const head = {
        ...job.head,
        attempt: job.attempt,
        startedAt: settlement.startedAt,
        finishedAt: Date.now(),
      }
      return { place, state: 'completed', enqueuedAt, head, body: settlement.output }
    }
    case 'retry':
      return { place, state: 'delayed', enqueuedAt, head: settlement.head, body: job.input }
    default: {
      const head = { ...settlement.head, finishedAt: Date.now() }
      return { place, state: settlement.outcome, enqueuedAt, head, body: job.input }
    }
  }
}
