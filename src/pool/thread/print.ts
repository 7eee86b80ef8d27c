/**
 * What a thread prints leaves it at once. Node.js sends one piece and keeps the others until the main thread has answered, which a
 * job that blocks its thread, or is stopped, never sees. What belongs into the log of a job goes there.
 */
import type { MessagePort } from 'node:worker_threads'
import type { Printed } from '../thread-messages.js'
import { capture } from './captured-output.js'

export function printThrough(port: MessagePort): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const target = process[stream]
    target._write = (chunk: Uint8Array | string, encoding, written) => {
      const text = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
      if (!capture(stream, text)) port.postMessage({ stream, text: Uint8Array.from(text) } satisfies Printed)
      written()
    }
    // Else what gathers goes another way.
    Object.assign(target, { _writev: undefined })
  }
}
