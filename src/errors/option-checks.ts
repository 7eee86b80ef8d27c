/** The checks that options of all kinds share, and how their errors show what was given. */
import { cutText } from './allowance.js'
import { OptionError } from './errors.js'

/** @throws {OptionError} `value` is no integer from `min` to `max`. */
export function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw new OptionError(`${name} must be an integer from ${min} to ${max}, got ${show(value)}`)
}

/** @throws {OptionError} `value` is no number from `min` to `max`; Infinity is one where `max` is. */
export function checkNumber(name: string, value: unknown, min: number, max: number, unit?: string): void {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    const range = max === Number.POSITIVE_INFINITY ? `of ${min} or more` : `from ${min} to ${max}`
    throw new OptionError(`${name} must be a number ${range}${unit ? ` (${unit})` : ''}, got ${show(value)}`)
  }
}

/** @throws {OptionError} `options` is no object, or has a member that is none of `known`. */
export function checkOptions(method: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new OptionError(`the options of ${method}() must be an object, got ${show(options)}`)
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new OptionError(`${method}() has no option ${show(name)}: use ${known.join(', ')}`)
}

/** How much of a value an error shows, in characters. */
const SHOWN = 200

/** A value as an error shows it. */
export function show(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(cutText(value, SHOWN)) : cutText(String(value), SHOWN)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
