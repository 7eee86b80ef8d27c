/**
 * What a job says while it runs, as its thread sends it, and how what arrives is checked: a worker module may send what it likes.
 */
import { MessagePort } from 'node:worker_threads'
import type { ErrorData } from '../errors/error-data.js'
import { isJobLog, type JobLog } from '../job/notes.js'
import { isOwnBytes } from './own-bytes.js'

export type Said =
  /** The encoded value that it reported last. */
  | { readonly index: number; readonly progress: Uint8Array }
  /** Lines of its log, and how many are missing before or among them. */
  | { readonly index: number; readonly log: JobLog }
  /** An encoded checkpoint. `reply` wants to hear when it is stored, or why it is not: see `answer`. */
  | { readonly index: number; readonly checkpoint: Uint8Array; readonly reply: MessagePort }

/** What a job has said, if the message is of that kind. */
export function readSaid(message: object): Said | undefined {
  const { index, progress, log, checkpoint, reply } = message as Record<string, unknown>
  if (typeof index !== 'number') return undefined
  if (isOwnBytes(progress)) return { index, progress }
  if (isOwnBytes(checkpoint) && reply instanceof MessagePort) return { index, checkpoint, reply }
  return isJobLog(log) ? { index, log } : undefined
}

/** What became of a checkpoint: it is stored, the job has ended before, or why it cannot be stored. */
export type Answer = 'stored' | 'ended' | ErrorData

export function answer(reply: MessagePort, answer: Answer): void {
  reply.postMessage(answer)
  reply.close()
}
