/**
 * What is thrown out of band ends its thread: in a timer, in `process.nextTick`, in a microtask, by a promise that nobody awaits.
 *
 * It can be any value. Node.js carries errors to the main thread, but not every value, and Piscina takes `null` for the end of
 * a task. So an `Error` is made of it that can travel.
 */
import { toError, toErrorData } from '../../errors/error-data.js'

/** A worker module that listens itself decides itself. */
export function sayWhatEndsThread(): void {
  process.on('uncaughtException', (thrown: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return
    throw toError(toErrorData(thrown))
  })
}
