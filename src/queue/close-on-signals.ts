/** Graceful shutdown for applications that have no signal handling of their own. */
import type { CloseOptions } from './options.js'

export interface CloseOnSignalsOptions extends CloseOptions {
  /** Default: SIGINT and SIGTERM. */
  signals?: readonly NodeJS.Signals[]
}

/**
 * Closes the queue on the first SIGINT or SIGTERM, then ends the process by that signal, so that its parent sees why. A
 * second signal ends it at once: what was running then is restored by the next open. Returns how to undo this.
 */
export function closeOnSignals(
  queue: { close(options?: CloseOptions): Promise<void> },
  { signals = ['SIGINT', 'SIGTERM'], ...closeOptions }: CloseOnSignalsOptions = {},
): () => void {
  const undo = () => {
    for (const signal of signals) process.off(signal, handle)
  }
  const handle = (signal: NodeJS.Signals) => {
    undo()
    const end = () => process.kill(process.pid, signal)
    queue.close(closeOptions).then(end, (error: unknown) => {
      console.error(error)
      end()
    })
  }
  for (const signal of signals) process.on(signal, handle)
  return undo
}
