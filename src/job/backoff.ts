/** When to try again: the delay before the next attempt of a job that failed. */

import { OptionError } from '../errors/errors.js'
import { checkNumber, show } from '../errors/option-checks.js'

/**
 * How long to wait before the next attempt:
 * - a number: the same delay each time, in ms;
 * - a list: the delay after the first, second, … failure, in ms; the last one repeats;
 * - exponential: `min(cap, base * factor ** (failures - 1))` ms, from which jitter takes a random share of up to `jitter`
 *   (0 none, 1 all of it; see "Exponential Backoff And Jitter", M. Brooker, 2015).
 */
export type Backoff = number | readonly number[] | ExponentialBackoff

export interface ExponentialBackoff {
  /** Delay after the first failure, in ms. Default 1000. */
  base?: number
  /** What each further failure multiplies it by. Default 2. */
  factor?: number
  /** The longest delay, in ms. Default 3,600,000 (an hour). */
  cap?: number
  /** Which share of the delay is left to chance, from 0 to 1. Default 0.2. */
  jitter?: number
}

/** What applies where no backoff is given. */
export const DEFAULT_BACKOFF: Backoff = {}

const LONGEST = 10 * 365 * 24 * 3_600_000

/** The delay in ms after the job's `failures`-th failure (counted from 1). */
export function backoffDelay(backoff: Backoff, failures: number, random = Math.random): number {
  if (typeof backoff === 'number') return backoff
  if (isList(backoff)) return backoff[Math.min(failures, backoff.length) - 1] ?? 0
  const { base = 1000, factor = 2, cap = 3_600_000, jitter = 0.2 } = backoff
  const full = Math.min(cap, base * factor ** (failures - 1))
  return Math.round(full * (1 - jitter * random()))
}

/** @throws {OptionError} it is none of the three forms, or a number in it is out of range. */
export function checkBackoff(backoff: unknown, name = 'backoff'): void {
  if (typeof backoff === 'number') return checkNumber(name, backoff, 0, LONGEST)
  if (Array.isArray(backoff)) {
    if (backoff.length === 0) throw new OptionError(`${name} must list at least one delay, got []`)
    backoff.forEach((delay, index) => {
      checkNumber(`${name}[${index}]`, delay, 0, LONGEST)
    })
    return
  }
  if (typeof backoff !== 'object' || backoff === null)
    throw new OptionError(
      `${name} must be a delay in ms, a list of delays, or { base, factor, cap, jitter }, got ${show(backoff)}`,
    )
  const ranges: Record<string, [number, number]> = {
    base: [0, LONGEST],
    factor: [1, 1000],
    cap: [0, LONGEST],
    jitter: [0, 1],
  }
  for (const [key, value] of Object.entries(backoff)) {
    const range = Object.hasOwn(ranges, key) ? ranges[key] : undefined
    if (!range) throw new OptionError(`${name}.${key} is not known: use base, factor, cap, jitter`)
    if (value !== undefined) checkNumber(`${name}.${key}`, value, range[0], range[1])
  }
}

function isList(backoff: readonly number[] | ExponentialBackoff): backoff is readonly number[] {
  return Array.isArray(backoff)
}
