/** Durations, as options take them: a number of ms, or text such as `'5s'`. */

import { OptionError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 } as const

/** A number of ms, or a number with a unit: `'250ms'`, `'5s'`, `'10m'`, `'1.5h'`, `'7d'`. */
export type Duration = number | `${number}${keyof typeof UNITS}`

const TEXT = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const DAY_MS = UNITS.d

/** The longest time that options take: no job waits or runs longer. */
export const LONGEST_MS = 100 * 365 * DAY_MS
/** The longest time that one timer of Node.js can wait. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * A duration in ms.
 *
 * @throws {OptionError} it is none, or longer than `longest`, which may be Infinity.
 */
export function durationMs(name: string, given: unknown, longest = LONGEST_MS): number {
  const ms = typeof given === 'string' ? parse(given) : given
  if (typeof ms === 'number' && ms >= 0 && ms <= longest) return ms
  const bound = longest === Number.POSITIVE_INFINITY ? ', or Infinity' : ` of at most ${inWords(longest)}`
  throw new OptionError(
    `${name} must be a duration${bound}: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d', got ${show(given)}`,
  )
}

function parse(text: string): number | undefined {
  const [, amount, unit] = TEXT.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * UNITS[unit as keyof typeof UNITS]
}

function inWords(ms: number): string {
  const days = Math.floor(ms / DAY_MS)
  return days > 1000 ? `${Math.floor(days / 365)} years` : `${days} days`
}
