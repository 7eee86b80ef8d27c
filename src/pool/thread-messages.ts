/**
 * What arrives from a thread while a waybill is out, checked before it is used. A worker module may post messages of its own
 * through `parentPort`; they are nobody's here, whatever they are.
 */
import { readSaid } from './said.js'
import { holdsOutcomes, type ThreadMessage } from './waybill.js'

/** The message, if it is one that `thread.ts` sends. */
export function readMessage(message: unknown): ThreadMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { waybill, outcomes } = message as Record<string, unknown>
  if (typeof waybill !== 'number') return undefined
  if (outcomes instanceof Uint8Array) return holdsOutcomes(outcomes) ? { waybill, outcomes } : undefined
  const said = readSaid(message)
  return said && { waybill, ...said }
}
