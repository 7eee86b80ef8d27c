/**
 * What a thread and the main thread send one another by their port, and how what arrives is checked. The port is theirs alone, but
 * a worker module may replace what it finds in its thread, so nothing is used that was not looked at.
 */

import { isOwnBytes } from './own-bytes.js'
import { answer, readSaid, type Said } from './said.js'
import { holdsOutcomes } from './waybill/outcome-buffer.js'

/** What a thread says of the waybill that it works on. */
export type ThreadMessage = { readonly waybill: number } & (
  | Said
  /** The last ones: the thread takes the next waybill. */
  | { readonly outcomes: Uint8Array; readonly isLast: boolean }
  /** The module of this job is not loaded yet: that begins, or is done. */
  | { readonly index: number; readonly isLoading: boolean }
  /** It could not be loaded: an encoded error. */
  | { readonly index: number; readonly unloadable: Uint8Array }
)

/** What a thread says of itself: its setup is through, or the end that its setup gave it. `error`, encoded, is why that failed. */
export interface Milestone {
  readonly milestone: 'setUp' | 'ended'
  readonly error: Uint8Array | undefined
}

/** Asks a thread to call the end that its setup gave it. In place of a waybill. */
export const END = 'end'

/** What a thread prints. */
export interface Printed {
  readonly stream: 'stdout' | 'stderr'
  readonly text: Uint8Array
}

/** Whose error ends the thread, as far as the thread can tell. */
export interface Culprit {
  /** The number of its waybill. */
  readonly culprit: number
}

/** The message, if it is one that a thread sends of a waybill. */
export function readMessage(message: unknown): ThreadMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { waybill, outcomes, isLast, index, isLoading, unloadable } = message as Record<string, unknown>
  if (typeof waybill !== 'number') return undefined
  if (isOwnBytes(outcomes))
    return typeof isLast === 'boolean' && holdsOutcomes(outcomes) ? { waybill, outcomes, isLast } : undefined
  if (typeof index !== 'number') return undefined
  if (isOwnBytes(unloadable)) return { waybill, index, unloadable }
  if (typeof isLoading === 'boolean') return { waybill, index, isLoading }
  const said = readSaid(message)
  return said && { waybill, ...said }
}

export function readCulprit(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { culprit } = message as Record<string, unknown>
  return typeof culprit === 'number' ? culprit : undefined
}

export function readMilestone(message: unknown): Milestone | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { milestone, error } = message as Record<string, unknown>
  if (milestone !== 'setUp' && milestone !== 'ended') return undefined
  return error === undefined || isOwnBytes(error) ? { milestone, error } : undefined
}

export function readPrinted(message: unknown): Printed | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { stream, text } = message as Record<string, unknown>
  if ((stream !== 'stdout' && stream !== 'stderr') || !isOwnBytes(text)) return undefined
  return { stream, text }
}

/** Answers a message of a waybill or job that has ended. */
export function refuse(message: ThreadMessage): void {
  if ('reply' in message) answer(message.reply, 'ended')
}
