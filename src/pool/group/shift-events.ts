/** What a shift is given, and what it tells its group. */
import type { Limit } from '../../codec/cost.js'
import type { ErrorData } from '../../errors/error-data.js'
import type { Said } from '../said.js'
import type { Death } from '../waybill/blame.js'
import type { DispatchedWaybill } from '../waybill/dispatched-waybill.js'
import type { PoolJob } from '../waybill/pack-waybill.js'

export interface ShiftOptions {
  readonly outputLimit: Limit
  /** The URL of the setup, and how long what it gave for the thread's end may take. */
  readonly setup: string | undefined
  readonly endGraceMs: number
}

export interface ShiftEvents<Job extends PoolJob> {
  /** It has taken its port. */
  opened(): void
  said(job: Job, said: Said): void
  /** It is through with a waybill. */
  done(waybill: DispatchedWaybill<Job>): void
  /** Its setup has failed while it had no waybill. With one, that says so. */
  setupFailed(error: ErrorData): void
  /** What its setup gave for its end has failed. */
  endFailed(error: ErrorData): void
  /** It has ended, or is lost, with these waybills; `hasOpened` if it has ever taken its port. */
  ended(waybills: readonly DispatchedWaybill<Job>[], death: Death, hasOpened: boolean): void
  /** A lost thread has ended after all. */
  exitedLate(): void
}
