/** A lane: the line of one task's jobs, with limits of its own. */
import { SharedThread } from '../../pool/group/shared-thread.js'
import type { TaskConfig } from '../../tasks/tasks.js'

/** How far one waybill's mean moves the estimate. */
const WEIGHT = 0.3

export class Lane {
  readonly config: TaskConfig
  /** Threads with the same memory limits are interchangeable. */
  readonly limits: string
  /** Whether its jobs share threads. */
  readonly isSharing: boolean
  /** Its jobs are not to start, by the application's wish: the store does not show them. */
  isPaused = false
  /** Its jobs cannot be run for now, see `holds.ts`. */
  isHeld = false
  /** How many waybills with jobs of this lane are out: at most so many of its jobs run at once. */
  out = 0
  /** A running mean of how long a job takes, in ms; infinite until one has run. */
  estimateMs = Number.POSITIVE_INFINITY
  /** The threads that its jobs share now. */
  readonly sharedThreads = new Set<SharedThread>()
  /** How many more of its jobs may overtake jobs of other tasks that wait for a free thread. */
  overtaking = 0

  constructor(config: TaskConfig) {
    this.config = config
    this.isSharing = config.perThread > 1
    this.limits = JSON.stringify(config.resourceLimits ?? null)
  }

  /** Whether it may have one more waybill, if it is not paused. */
  get isFree(): boolean {
    return !this.isHeld && this.out < this.config.concurrency
  }

  /** Jobs have run for `ranMs` each, on the mean. */
  learn(ranMs: number): void {
    this.estimateMs =
      this.estimateMs === Number.POSITIVE_INFINITY
        ? ranMs
        : this.estimateMs + WEIGHT * (ranMs - this.estimateMs)
  }

  /** The shared thread that has room for one more job: the fullest, so that others become free. */
  get threadWithRoom(): SharedThread | undefined {
    let fullest: SharedThread | undefined
    for (const shared of this.sharedThreads)
      if (shared.hasRoom && shared.out >= (fullest?.out ?? 0)) fullest = shared
    return fullest
  }

  /** Takes a free thread for its jobs to share: so many may fill it, past jobs of other tasks. */
  share(): SharedThread {
    const shared = new SharedThread(this.config.perThread)
    this.sharedThreads.add(shared)
    this.overtaking = shared.most - 1
    return shared
  }
}
