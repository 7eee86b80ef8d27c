/** Checks of what a worker was given: an input of the wrong form will not get better by trying again. */
import { UnrecoverableError } from '../../src/worker.js'

const MOST_SHOWN = 100

/**
 * An input as an object: where a file is all that is needed, its path is enough.
 *
 * @throws {UnrecoverableError} it is neither, or has a member that is none of `known`: it may be misspelt.
 */
export function withOptions<T extends { file: string }>(
  input: string | T,
  known: readonly string[],
): T | { file: string } {
  if (typeof input === 'string') return { file: input }
  checkMembers(input, known)
  return input
}

/** @throws {UnrecoverableError} as `withOptions` does. */
export function checkMembers(input: unknown, known: readonly string[]): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new UnrecoverableError(`the input must be an object with ${known.join(', ')}, got ${kindOf(input)}`)
  for (const name of Object.keys(input))
    if (!known.includes(name))
      throw new UnrecoverableError(`the input has no member ${show(name)}: use ${known.join(', ')}`)
}

export function checkText(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string' || value === '')
    throw new UnrecoverableError(`${name} must be a string that is not empty, got ${kindOf(value)}`)
}

export function checkRange(value: unknown, name: string, min: number, max: number): asserts value is number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new UnrecoverableError(`${name} must be a number from ${min} to ${max}, got ${show(value)}`)
}

export function checkInteger(
  value: unknown,
  name: string,
  min: number,
  max: number,
): asserts value is number {
  checkRange(value, name, min, max)
  if (!Number.isInteger(value)) throw new UnrecoverableError(`${name} must be an integer, got ${show(value)}`)
}

/** What a value is. The value itself may be a secret, such as a password, and errors are kept and printed. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (value === '') return 'an empty string'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** A value as an error shows it. */
export function show(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'a list' : String(value)
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`
}
