/** Checks of what a worker was given: an input of the wrong form will not get better by trying again. */
import { UnrecoverableError } from '../../src/worker.js'

export function checkText(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string' || value === '')
    throw new UnrecoverableError(`${name} must be a string that is not empty, got ${show(value)}`)
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

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
