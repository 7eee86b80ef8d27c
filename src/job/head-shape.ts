/** The check of a `Head` that comes from disk: its checksum may be right and its shape wrong. */
import { isErrorData, isStoredFailure } from '../errors/error-data.js'
import { backoffInMs } from './backoff.js'
import type { Head } from './job.js'
import { isJobLog } from './notes.js'

const SHAPE: Readonly<Record<keyof Head, (value: unknown) => boolean>> = {
  attempt: isCount,
  failures: (value) => Array.isArray(value) && value.every(isStoredFailure),
  failureCount: isCount,
  damage: (value) => isErrorData(value),
  alone: (value) => typeof value === 'boolean',
  granted: isCount,
  attempts: isCount,
  backoff: isBackoff,
  timeout: isTime,
  key: (value) => typeof value === 'string',
  meta: isBytes,
  saved: isBytes,
  progress: isBytes,
  log: isJobLog,
  runAt: isTime,
  startedAt: isTime,
  finishedAt: isTime,
  group: isCount,
}

/** Whether each member that a head has is of its kind. */
export function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([key, member]) => member === undefined || (SHAPE[key as keyof Head] ?? isUnknown)(member),
  )
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTime(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0
}

/** Delays are stored in ms, never as text. */
function isBackoff(value: unknown): boolean {
  if ([value, ...Object.values(Object(value))].some((member) => typeof member === 'string')) return false
  try {
    backoffInMs(value)
    return true
  } catch {
    return false
  }
}

/** No other member is written. */
function isUnknown(): boolean {
  return false
}
