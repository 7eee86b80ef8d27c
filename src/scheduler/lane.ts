/** A lane: the line of one task's jobs, with limits of its own. */
import type { TaskConfig } from '../tasks/tasks.js'

/** How far one waybill's mean moves the estimate. */
const WEIGHT = 0.3

export class Lane {
  readonly config: TaskConfig
  /** Threads with the same memory limits are interchangeable. */
  readonly limits: string
  isPaused = false
  /** Its jobs cannot be run for now, see `holds.ts`. */
  isHeld = false
  /** How many waybills with jobs of this lane are out: jobs of one waybill run one after another. */
  out = 0
  /** A running mean of how long a job takes, in ms; infinite until one has run. */
  estimateMs = Number.POSITIVE_INFINITY

  constructor(config: TaskConfig) {
    this.config = config
    this.limits = JSON.stringify(config.resourceLimits ?? null)
  }

  get isFree(): boolean {
    return !this.isPaused && !this.isHeld && this.out < this.config.concurrency
  }

  /** Jobs have run for `ranMs` each, on the mean. */
  learn(ranMs: number): void {
    this.estimateMs =
      this.estimateMs === Number.POSITIVE_INFINITY
        ? ranMs
        : this.estimateMs + WEIGHT * (ranMs - this.estimateMs)
  }
}
