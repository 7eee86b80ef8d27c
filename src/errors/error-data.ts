/**
 * Errors as data: what is stored of the error that an attempt ended with, and an `Error` made from it again.
 *
 * What is kept is bounded in depth, number and size (see `Allowance`); what is left out is counted where it would stand.
 */
import { Allowance } from './allowance.js'
import { builtInError } from './built-in-errors.js'
import { copyMembers, isError, keysOf, readMember, showThrown } from './plain-copy.js'

/** An error as it travels from a thread and is stored. */
export interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack?: string
  /** The error's own `code`, or millrace's: `MILLRACE_TIMEOUT`, `MILLRACE_THREAD_DIED`, `MILLRACE_PROCESS_DIED`, … */
  readonly code?: string | number
  /** Up to 5 levels of causes. */
  readonly cause?: ErrorData
  /** The errors of an AggregateError, up to 20. */
  readonly errors?: readonly ErrorData[]
  /** The error's other own members, such as `errno` or `status`, so far as they can be sent. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** A failed attempt, as the application sees it: the error that the worker threw, as data. */
export interface Failure extends ErrorData {
  /** Which attempt, counted from 1. */
  readonly attempt: number
  /** When it started; `undefined` if it is not known. */
  readonly startedAt?: Date
  /** When it ended. */
  readonly at: Date
}

/** A failed attempt, as it is stored: times in ms since the epoch. */
export interface StoredFailure extends ErrorData {
  readonly attempt: number
  readonly startedAt?: number
  readonly at: number
}

const MAX_DEPTH = 5
const MAX_ERRORS = 20

/** An error, or whatever was thrown in its place, as data. Never throws, whatever the members of the error do. */
export function toErrorData(thrown: unknown): ErrorData {
  return dataOf(thrown, new Allowance(), [])
}

/** The message of an error, or of whatever was thrown in its place. Never throws. */
export function messageOf(thrown: unknown): string {
  return toErrorData(thrown).message
}

/** `above`: the errors of which this one is a cause, or one of the `errors`. */
function dataOf(thrown: unknown, allowance: Allowance, above: readonly object[]): ErrorData {
  try {
    if (typeof thrown !== 'object' || thrown === null) return notAnError(thrown, allowance, above)
    if (above.includes(thrown)) return omitted('refers back to an error that holds it (a cycle)')
    if (above.length > MAX_DEPTH) return omitted(`more than ${MAX_DEPTH} levels of causes are not kept`)
    if (!allowance.takePart()) return omitted('too many errors: this one is not kept')
    return isError(thrown) ? describe(thrown, allowance, above) : notAnError(thrown, allowance, above)
  } catch {
    return { name: 'NonError', message: 'thrown: something that cannot be read' }
  }
}

function describe(thrown: object, allowance: Allowance, above: readonly object[]): ErrorData {
  const inner = [...above, thrown]
  const name = allowance.text(textOf(readMember(thrown, 'name')))
  const wholeMessage = textOf(readMember(thrown, 'message'))
  const message = allowance.message(wholeMessage)
  const stack = readMember(thrown, 'stack')
  const code = codeIn(readMember(thrown, 'code'), allowance)
  const cause = readMember(thrown, 'cause')
  const errors = errorsOf(thrown, name)
  const keptApart = ['name', 'message', 'stack', 'cause', ...(code === undefined ? [] : ['code'])]
  if (errors) keptApart.push('errors')
  const others = keysOf(thrown).filter((key) => !keptApart.includes(key))
  return {
    name,
    message,
    // A message that is cut is cut here too, so that the frames behind it remain.
    ...(typeof stack === 'string' && { stack: allowance.stack(stack.replace(wholeMessage, () => message)) }),
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause: dataOf(cause, allowance, inner) }),
    ...(errors && { errors: allDataOf(errors, allowance, inner) }),
    ...(others.length > 0 && { members: copyMembers(thrown, others, allowance, inner) }),
  }
}

/** What was thrown, or is a cause, and is no error. An object's members are kept, so that `error.code` is what it was. */
function notAnError(value: unknown, allowance: Allowance, above: readonly object[]): ErrorData {
  const prefix = above.length === 0 ? 'thrown: ' : ''
  if (typeof value !== 'object' || value === null)
    return { name: 'NonError', message: prefix + allowance.message(textOf(value)) }
  const message = prefix + allowance.message(showThrown(value, above))
  if (Array.isArray(value)) return { name: 'NonError', message }
  const { code: _code, ...members } = copyMembers(value, keysOf(value), allowance, [...above, value])
  const code = codeIn(_code, allowance)
  const others = code === undefined && _code !== undefined ? { code: _code, ...members } : members
  return {
    name: 'NonError',
    message,
    ...(code !== undefined && { code }),
    ...(Object.keys(others).length > 0 && { members: others }),
  }
}

function codeIn(code: unknown, allowance: Allowance): string | number | undefined {
  if (typeof code === 'string') return allowance.text(code)
  return typeof code === 'number' ? code : undefined
}

/** The `errors` of an AggregateError, of any realm, or of an error that holds others as one does. */
function errorsOf(thrown: object, name: string): readonly unknown[] | undefined {
  const errors = readMember(thrown, 'errors')
  return Array.isArray(errors) && (name === 'AggregateError' || errors.some(isError)) ? errors : undefined
}

function allDataOf(errors: readonly unknown[], allowance: Allowance, above: readonly object[]): ErrorData[] {
  const data = errors.slice(0, MAX_ERRORS).map((each) => dataOf(each, allowance, above))
  const more = errors.length - data.length
  return more > 0 ? [...data, omitted(`${more} more errors are not kept`)] : data
}

function omitted(message: string): ErrorData {
  return { name: 'Omitted', message }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return '(cannot be read)'
  }
}

/** The other way: an `Error` of the recorded name, with all that was kept. */
export function toError({ name, message, stack, code, cause, errors, members }: ErrorData): Error {
  const error = builtInError(name, message)
  // A class of this name may have been thrown that is not built in.
  if (error.name !== name) define(error, 'name', name, false)
  error.stack = stack ?? `${name}: ${message}`
  for (const [key, value] of Object.entries(members ?? {})) define(error, key, value, true)
  if (code !== undefined) define(error, 'code', code, true)
  if (cause) define(error, 'cause', toError(cause), false)
  if (errors) define(error, 'errors', errors.map(toError), false)
  return error
}

/** Defines, so that `__proto__` too is data. */
function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
}

/** Whether a value that comes from a thread or from disk is an error as `toErrorData` gives it. */
export function isErrorData(value: unknown, depth = 0): value is ErrorData {
  if (typeof value !== 'object' || value === null || depth > 2 * MAX_DEPTH) return false
  const { name, message, stack, code, cause, errors, members } = value as Record<string, unknown>
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    (stack === undefined || typeof stack === 'string') &&
    (code === undefined || typeof code === 'string' || typeof code === 'number') &&
    (cause === undefined || isErrorData(cause, depth + 1)) &&
    (errors === undefined ||
      (Array.isArray(errors) && errors.every((each) => isErrorData(each, depth + 1)))) &&
    (members === undefined || (typeof members === 'object' && members !== null))
  )
}

/** A stored failure as the application sees it. */
export function toFailure({ startedAt, at, ...rest }: StoredFailure): Failure {
  return { ...rest, ...(startedAt !== undefined && { startedAt: new Date(startedAt) }), at: new Date(at) }
}

/** Whether a value that comes from disk is a failed attempt. */
export function isStoredFailure(value: unknown): value is StoredFailure {
  if (!isErrorData(value)) return false
  const { attempt, startedAt, at } = value as { attempt?: unknown; startedAt?: unknown; at?: unknown }
  return (
    typeof attempt === 'number' &&
    typeof at === 'number' &&
    (startedAt === undefined || typeof startedAt === 'number')
  )
}
