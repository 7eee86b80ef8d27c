/** When to try again: the delay before the next attempt of a job that failed. */

import { OptionError } from '../errors/errors.js'
import { checkNumber, show } from '../errors/option-checks.js'
import { type Duration, durationMs } from './duration.js'

/**
 * How long to wait before the next attempt:
 * - a duration: the same delay each time;
 * - a list: the delay after the first, second, … failure; the last one repeats;
 * - exponential: `min(cap, base * factor ** (failures - 1))` ms, from which jitter takes a random share of up to `jitter`
 *   (0 none, 1 all of it; see "Exponential Backoff And Jitter", M. Brooker, 2015).
 */
export type Backoff = Duration | readonly Duration[] | ExponentialBackoff

export interface ExponentialBackoff {
  /** Delay after the first failure. Default 1 s. */
  base?: Duration
  /** What each further failure multiplies it by. Default 2. */
  factor?: number
  /** The longest delay. Default 1 h. */
  cap?: Duration
  /** Which share of the delay is left to chance, from 0 to 1. Default 0.2. */
  jitter?: number
}

/** A backoff as it is stored: its delays are in ms. */
export type BackoffMs = number | readonly number[] | ExponentialBackoffMs

interface ExponentialBackoffMs extends ExponentialBackoff {
  base?: number
  cap?: number
}

/** What applies where no backoff is given. */
export const DEFAULT_BACKOFF: BackoffMs = {}

const LONGEST_DELAY_MS = 10 * 365 * 24 * 3_600_000

/** The delay in ms after the job's `failures`-th failure (counted from 1). */
export function backoffDelay(backoff: BackoffMs, failures: number, random = Math.random): number {
  if (typeof backoff === 'number') return backoff
  if (isList(backoff)) return backoff[Math.min(failures, backoff.length) - 1] ?? 0
  const { base = 1000, factor = 2, cap = 3_600_000, jitter = 0.2 } = backoff
  const full = Math.min(cap, base * factor ** (failures - 1))
  return Math.round(full * (1 - jitter * random()))
}

/**
 * The backoff with its delays in ms.
 *
 * @throws {OptionError} it is none of the three forms, or a value in it is out of range.
 */
export function backoffInMs(backoff: unknown, name = 'backoff'): BackoffMs {
  const delay = (member: string, value: unknown) => durationMs(`${name}${member}`, value, LONGEST_DELAY_MS)
  if (typeof backoff === 'number' || typeof backoff === 'string') return delay('', backoff)
  if (Array.isArray(backoff)) {
    if (backoff.length === 0) throw new OptionError(`${name} must list at least one delay, got []`)
    return backoff.map((value, index) => delay(`[${index}]`, value))
  }
  if (typeof backoff !== 'object' || backoff === null)
    throw new OptionError(
      `${name} must be a delay, a list of delays, or { base, factor, cap, jitter }, got ${show(backoff)}`,
    )
  const { base, factor, cap, jitter, ...unknown } = backoff as ExponentialBackoff
  for (const key of Object.keys(unknown))
    throw new OptionError(`${name}.${key} is not known: use base, factor, cap, jitter`)
  if (factor !== undefined) checkNumber(`${name}.factor`, factor, 1, 1000)
  if (jitter !== undefined) checkNumber(`${name}.jitter`, jitter, 0, 1)
  return {
    ...(base !== undefined && { base: delay('.base', base) }),
    ...(factor !== undefined && { factor }),
    ...(cap !== undefined && { cap: delay('.cap', cap) }),
    ...(jitter !== undefined && { jitter }),
  }
}

function isList(backoff: readonly number[] | ExponentialBackoffMs): backoff is readonly number[] {
  return Array.isArray(backoff)
}
