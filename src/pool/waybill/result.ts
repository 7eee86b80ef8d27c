/** What becomes of a job that was handed out. */
import type { ErrorData } from '../../errors/error-data.js'
import { WAITING } from './waybill.js'

export type StopReason = 'cancelled' | 'timedOut' | 'closing'

export type Result<Job> =
  | { readonly kind: 'completed'; readonly job: Job; readonly output: Uint8Array; readonly ranMs: number }
  | { readonly kind: 'threw'; readonly job: Job; readonly error: ErrorData; readonly ranMs: number }
  | { readonly kind: 'stopped'; readonly job: Job; readonly reason: StopReason }
  /** Its run ended its thread. */
  | { readonly kind: 'died'; readonly job: Job; readonly error: ErrorData }
  /**
   * It did not run, or its outcome was lost when another job ended the thread. `alone`: this job itself may have ended it, and runs
   * alone next time.
   */
  | { readonly kind: 'returned'; readonly job: Job; readonly alone: boolean }
  /** It was not run, because its module could not be loaded. */
  | { readonly kind: 'unloadable'; readonly job: Job; readonly error: ErrorData }
  /** It was not run, because no thread can be started for it. The next start is tried in `holdMs` at the earliest. */
  | { readonly kind: 'threadless'; readonly job: Job; readonly holdMs: number }

export interface Timed {
  /** Longest run, in ms; 0 for none. */
  readonly timeoutMs: number
  readonly module?: { readonly url: string }
}

/** Its thread ended while it loaded the job's module. */
export function endedWhileLoading(job: Timed, cause: ErrorData): ErrorData {
  return { ...notLoaded(job, `ended its thread: ${cause.cause?.message ?? cause.message}`), cause }
}

/** The job's module could not be loaded. */
export function notLoaded(job: Timed | undefined, what: string): ErrorData {
  return {
    name: 'WorkerModuleError',
    code: 'MILLRACE_WORKER_MODULE',
    message: `loading ${shownUrl(job?.module?.url ?? 'a worker module')} ${what}`,
  }
}

/** A module's URL as messages show it: a `data:` URL is the whole module. */
export function shownUrl(url: string): string {
  return url.length > 200 ? `${url.slice(0, 200)}…` : url
}

/**
 * A job of which a thread that is through has sent no outcome. One that has started is charged: a worker module that posts messages of
 * its own may have kept the outcome back, and would do so each time.
 */
export function keptBack<Job>(job: Job, state: number): Result<Job> {
  if (state === WAITING) return { kind: 'returned', job, alone: false }
  const message = 'the thread said that this job had ended, and not how'
  return { kind: 'died', job, error: { name: 'ThreadDiedError', code: 'MILLRACE_THREAD_DIED', message } }
}
