/**
 * Waits until the queue is at rest, and closes it.
 *
 * ```
 *  open ──close()──▶ draining ──nothing waits or runs──▶ closing ──nothing runs──▶ closed
 *           │ (drain)    └──────────timeout──────────────▲  └──timeout──▶ jobs stopped, returned ──▶ closed
 *           └────────────────────────────────────────────┘
 * ```
 *
 * From the call of `close` on, new jobs are refused. While draining, the jobs that wait are run. While closing, no job is started;
 * those that run may finish. What still runs when the time is over is stopped and returned to the backlog, uncharged.
 */
import { performance } from 'node:perf_hooks'
import { ClosedError } from '../errors/errors.js'
import { LONGEST_TIMER_MS } from '../job/duration.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { BacklogLimit } from './adding/backlog-limit.js'
import type { FollowedJobs } from './jobs/job-events.js'
import type { Job } from './jobs/job-handle.js'
import type { Waiters } from './jobs/waiters.js'
import type { Lifetime } from './lifetime.js'
import type { CloseSettings } from './options.js'

interface ShutdownParts {
  readonly lifetime: Lifetime
  readonly limit: BacklogLimit
  readonly scheduler: Scheduler
  readonly waiters: Waiters
  readonly followed: FollowedJobs<Job>
}

export class Shutdown {
  readonly #parts: ShutdownParts
  #closed: Promise<void> | undefined

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  idle(): Promise<void> {
    const { lifetime, scheduler, waiters } = this.#parts
    if (lifetime.broken) return Promise.reject(lifetime.broken)
    lifetime.assertOpen()
    return scheduler.isIdle ? Promise.resolve() : waiters.untilIdle()
  }

  drain(): Promise<void> {
    const { lifetime, scheduler, waiters } = this.#parts
    if (lifetime.broken) return Promise.reject(lifetime.broken)
    lifetime.assertOpen()
    return scheduler.isDrained ? Promise.resolve() : waiters.untilDrained()
  }

  /** Closing twice is closing once. */
  close(settings: CloseSettings): Promise<void> {
    const { lifetime, limit, waiters, followed } = this.#parts
    lifetime.isClosing = true
    limit.close(new ClosedError())
    this.#closed ??= this.#close(settings).finally(() => {
      waiters.rejectAll(new ClosedError())
      followed.failAll(new ClosedError())
    })
    return this.#closed
  }

  async #close({ timeoutMs, drain }: CloseSettings): Promise<void> {
    const { lifetime, scheduler, waiters } = this.#parts
    const end = performance.now() + timeoutMs
    if (drain && !lifetime.broken && !scheduler.isDrained) {
      await scheduler.markClosing()
      await within(timeoutMs, waiters.untilDrained())
    }
    await scheduler.close(Math.max(0, end - performance.now()))
  }
}

/** Fulfilled when `done` is settled in whatever way, or the time is over. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    if (ms <= LONGEST_TIMER_MS) timer = setTimeout(resolve, ms)
    const settled = () => resolve()
    done.then(settled, settled)
  })
  clearTimeout(timer)
}
