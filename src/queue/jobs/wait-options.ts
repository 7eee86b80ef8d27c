/** How long `finished()` waits. */

import { OptionError } from '../../errors/errors.js'
import { checkOptions, show } from '../../errors/option-checks.js'
import { type Duration, durationMs } from '../../job/duration.js'

export interface WaitOptions {
  /** Wait no longer than this: ms, or text such as `'5s'`. The job goes on. Default: for as long as it takes. */
  timeout?: Duration
  /** Aborting it ends the wait with its reason. The job goes on. */
  signal?: AbortSignal
}

interface WaitLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** @throws {OptionError} an option is unknown, of the wrong type, or out of range. */
export function waitLimitsOf(options: WaitOptions): WaitLimits {
  checkOptions('finished', options, ['timeout', 'signal'])
  const { timeout = Number.POSITIVE_INFINITY, signal } = options
  checkSignal(signal)
  return { timeoutMs: durationMs('timeout', timeout, Number.POSITIVE_INFINITY), signal }
}

/** @throws {OptionError} it is no AbortSignal. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new OptionError(`signal must be an AbortSignal, got ${show(signal)}`)
}
