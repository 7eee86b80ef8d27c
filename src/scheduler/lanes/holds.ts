/**
 * Tasks that are held because of the deployment: their worker module cannot be loaded, or no thread can be started for them. No job
 * is charged for that.
 *
 * ```
 *  free ──a module does not load──▶ held ──pause over──▶ tried on a fresh thread ──it loads──▶ free
 *                                    ▲                            │
 *                                    └──not yet for loadTimeout───┤
 *                                                                 └──for longer──▶ the job fails
 * ```
 *
 * The pause doubles with each failure. Once a module has failed for longer than `loadTimeout`, its jobs fail with that error, until
 * one of them has run.
 */
import { type ErrorData, toError } from '../../errors/error-data.js'
import { WorkerModuleError } from '../../errors/errors.js'
import type { Result } from '../../pool/waybill/result.js'
import type { RunningJob } from '../running-job.js'
import type { Lane } from './lane.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** More modules than this are not remembered: the oldest is forgotten. */
const MOST_MODULES = 1000

interface Failing {
  readonly sinceMs: number
  pauseMs: number
  message: string
}

interface HoldEvents {
  /** A task is held no longer. */
  runnable(): void
  trouble(error: Error): void
}

export class Holds {
  readonly #loadTimeoutMs: number
  readonly #events: HoldEvents
  /** Modules that could not be loaded the last time. */
  readonly #failing = new Map<string, Failing>()
  readonly #held = new Map<Lane, NodeJS.Timeout>()
  #isStopped = false

  constructor(loadTimeoutMs: number, events: HoldEvents) {
    this.#loadTimeoutMs = loadTimeoutMs
    this.#events = events
  }

  /** Takes note of a result. Gives what is to be recorded: a job that must wait goes back. */
  note(result: Result<RunningJob>): Result<RunningJob> {
    const { job } = result
    switch (result.kind) {
      case 'completed':
      case 'threw':
        if (this.#failing.size > 0) this.#failing.delete(keyOf(job))
        return result
      case 'threadless':
        if (result.holdMs > 0) this.#hold(job.lane, result.holdMs)
        return { kind: 'returned', job, alone: false }
      case 'unloadable': {
        const pauseMs = this.#pauseOf(job, result.error)
        if (pauseMs === undefined) return result
        this.#hold(job.lane, pauseMs)
        return { kind: 'returned', job, alone: false }
      }
      default:
        return result
    }
  }

  /** Ends all pauses: nothing is tried again. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
  }

  #pauseOf(job: RunningJob, error: ErrorData): number | undefined {
    const now = Date.now()
    const key = keyOf(job)
    const known = this.#failing.get(key)
    const failing: Failing = known ?? { sinceMs: now, pauseMs: FIRST_PAUSE_MS / 2, message: '' }
    if (now - failing.sinceMs >= this.#loadTimeoutMs) return undefined
    failing.pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * failing.pauseMs)
    if (failing.message !== error.message)
      this.#events.trouble(
        new WorkerModuleError(
          `${error.message}; no job of task "${job.task}" starts; loading is tried again for up to ${this.#loadTimeoutMs} ms (loadTimeout), then its jobs fail. Mend the module, or raise loadTimeout`,
          { cause: toError(error) },
        ),
      )
    failing.message = error.message
    if (!known) this.#remember(key, failing)
    return failing.pauseMs
  }

  #remember(key: string, failing: Failing): void {
    const [oldest] = this.#failing.keys()
    if (this.#failing.size >= MOST_MODULES && oldest !== undefined) this.#failing.delete(oldest)
    this.#failing.set(key, failing)
  }

  #hold(lane: Lane, ms: number): void {
    if (this.#isStopped) return
    lane.isHeld = true
    clearTimeout(this.#held.get(lane))
    const timer = setTimeout(() => {
      lane.isHeld = false
      this.#held.delete(lane)
      this.#events.runnable()
    }, ms)
    this.#held.set(lane, timer)
  }
}

function keyOf({ module: { url, exportName } }: RunningJob): string {
  return `${exportName} ${url}`
}
