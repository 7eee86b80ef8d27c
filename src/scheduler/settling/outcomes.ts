/** From what became of an attempt to what is recorded of it, and to what the application is told. */

import type { ErrorData, StoredFailure } from '../../errors/error-data.js'
import { backoffDelay } from '../../job/backoff.js'
import { addFailure, failureCountOf } from '../../job/failures.js'
import {
  type Head,
  headAfterAttempt,
  headAfterCompletion,
  type JobState,
  type Place,
  type StoredJob,
} from '../../job/job.js'
import type { Result } from '../../pool/waybill/result.js'
import type { Claimed, Settlement } from '../../store/store.js'
import type { TaskConfig, Tasks } from '../../tasks/tasks.js'

/** A job that is settled, as the application is told. Its members are computed when read, because most outcomes have no listener. */
export class SettledJob implements StoredJob {
  readonly #settlement: Exclude<Settlement, { outcome: 'released' }>
  readonly #finishedAt: number

  constructor(settlement: Exclude<Settlement, { outcome: 'released' }>, finishedAt: number) {
    this.#settlement = settlement
    this.#finishedAt = finishedAt
  }

  get place(): Place {
    return this.#settlement.job.place
  }

  get state(): JobState {
    const { outcome } = this.#settlement
    return outcome === 'retry' ? 'delayed' : outcome
  }

  get enqueuedAt(): number {
    return this.#settlement.job.enqueuedAt
  }

  get head(): Readonly<Head> {
    const settlement = this.#settlement
    const { head, attempt, notes } = settlement.job
    if (settlement.outcome === 'completed') {
      const { startedAt } = settlement
      return { ...headAfterCompletion(head, notes), attempt, startedAt, finishedAt: this.#finishedAt }
    }
    const kept = headAfterAttempt(settlement.head, notes)
    return settlement.outcome === 'retry' ? kept : { ...kept, finishedAt: this.#finishedAt }
  }

  get input(): Uint8Array {
    return this.#settlement.job.input
  }

  /** The output of a completed job, else the input. */
  get body(): Uint8Array {
    return this.#settlement.outcome === 'completed' ? this.#settlement.output : this.#settlement.job.input
  }
}

/** A job that was handed out, as its outcome needs to know it. */
interface HandedOut {
  readonly claimed: Claimed
  readonly lane: { readonly config: TaskConfig }
  readonly timeoutMs: number
}

/** What is to be recorded of a job that was handed out. */
export function settlementOf(result: Result<HandedOut>, tasks: Tasks, now: number): Settlement {
  const { lane, claimed, timeoutMs } = result.job
  switch (result.kind) {
    case 'completed':
      return {
        outcome: 'completed',
        job: claimed,
        output: result.output,
        startedAt: now - result.ranMs,
      }
    case 'threw':
      return failed(claimed, lane.config, tasks, result.error, Math.trunc(now - result.ranMs))
    case 'died':
    case 'unloadable':
      return failed(claimed, lane.config, tasks, result.error)
    case 'threadless':
      return { outcome: 'released', job: claimed }
    case 'returned':
      return { outcome: 'released', job: claimed, alone: result.alone }
    case 'stopped':
      if (result.reason === 'cancelled') return cancelled(claimed)
      if (result.reason === 'closing') return { outcome: 'released', job: claimed }
      return failed(claimed, lane.config, tasks, timedOut(timeoutMs))
  }
}

/** An attempt has failed: again later, or for good. */
export function failed(
  job: Claimed,
  config: TaskConfig,
  tasks: Tasks,
  error: ErrorData,
  startedAt = job.startedAt,
): Settlement {
  const now = Date.now()
  const started = startedAt === undefined ? {} : { startedAt }
  const failure: StoredFailure = { attempt: job.attempt, ...started, at: now, ...error }
  const { damage: _damage, ...rest } = job.head
  const head: Head = { ...rest, attempt: job.attempt, ...addFailure(rest, failure) }
  // What is damaged will not be whole the next time.
  const isFinal = error.code === 'MILLRACE_UNRECOVERABLE' || error.code === 'MILLRACE_DAMAGED'
  if (isFinal || job.attempt >= tasks.attemptsOf(config.name, job.head))
    return { outcome: 'failed', job, head: { ...head, ...started } }
  const delay = backoffDelay(head.backoff ?? config.backoff, failureCountOf(head))
  return { outcome: 'retry', job, head: { ...head, runAt: now + delay } }
}

export function cancelled(job: Claimed): Settlement {
  const { head, startedAt } = job
  return { outcome: 'cancelled', job, head: startedAt === undefined ? head : { ...head, startedAt } }
}

function timedOut(timeoutMs: number): ErrorData {
  return {
    name: 'TimeoutError',
    message: `the job ran longer than its timeout of ${timeoutMs} ms`,
    code: 'MILLRACE_TIMEOUT',
  }
}
