/**
 * Errors as data: what is stored of the error that an attempt ended with, and an `Error` made from it again.
 */

/** What is kept of a failed attempt: the error that the worker threw, as data. */
export interface Failure {
  /** Which attempt, counted from 1. */
  readonly attempt: number
  /** When it ended, in ms since the epoch. */
  readonly at: number
  readonly name: string
  readonly message: string
  readonly stack?: string
  /** The error's own `code`, or millrace's: `MILLRACE_TIMEOUT`, `MILLRACE_THREAD_DIED`, `MILLRACE_PROCESS_DIED`, … */
  readonly code?: string
  readonly cause?: Omit<Failure, 'attempt' | 'at'>
}

/** An error as it travels from a thread and is stored. */
export type ErrorData = Omit<Failure, 'attempt' | 'at'>

const MAX_TEXT = 16_384
const MAX_CAUSES = 5

/**
 * An error, or whatever was thrown in its place, as data. Texts are cut at 16,384 characters, causes at 5 levels. Never
 * throws, whatever the members of the error do.
 */
export function toErrorData(thrown: unknown): ErrorData {
  try {
    return dataOf(thrown, 0)
  } catch {
    return { name: 'NonError', message: 'thrown: something that cannot be read' }
  }
}

/** Whether a value has the form that `toErrorData` gives. */
export function isErrorData(value: unknown): value is ErrorData {
  if (typeof value !== 'object' || value === null) return false
  const { name, message, stack, code, cause } = value as Record<string, unknown>
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    (stack === undefined || typeof stack === 'string') &&
    (code === undefined || typeof code === 'string') &&
    (cause === undefined || isErrorData(cause))
  )
}

function dataOf(thrown: unknown, depth: number): ErrorData {
  if (!(thrown instanceof Error) && !isErrorLike(thrown))
    return { name: 'NonError', message: `thrown: ${print(thrown)}` }
  const { code, cause } = thrown as { code?: unknown; cause?: unknown }
  return {
    name: cut(thrown.name),
    message: cut(thrown.message),
    ...(typeof thrown.stack === 'string' && { stack: cut(thrown.stack) }),
    ...((typeof code === 'string' || typeof code === 'number') && { code: cut(code) }),
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: dataOf(cause, depth + 1) }),
  }
}

/** The other way: an `Error` with the recorded name, message, stack, code and causes. */
export function toError(data: ErrorData): Error {
  const error = new Error(data.message, data.cause && { cause: toError(data.cause) })
  error.name = data.name
  if (data.stack !== undefined) error.stack = data.stack
  return data.code === undefined ? error : Object.assign(error, { code: data.code })
}

/** Errors that crossed a thread or a realm are not `instanceof Error` here. */
function isErrorLike(value: unknown): value is Error {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Error).name === 'string' &&
    typeof (value as Error).message === 'string'
  )
}

function print(value: unknown): string {
  if (typeof value !== 'object' || value === null) return cut(value)
  try {
    return cut(JSON.stringify(value) ?? value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function cut(text: unknown): string {
  return String(text).slice(0, MAX_TEXT)
}
