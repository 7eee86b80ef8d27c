/**
 * What is thrown out of band ends its thread: in a timer, in `process.nextTick`, in a microtask, by a promise that nobody awaits.
 *
 * It can be any value. Node.js carries errors to the main thread, but not every value, and Piscina takes `null` for the end of
 * a task. So an `Error` is made of it that can travel.
 *
 * Where waybills share a thread, the asynchronous context tells whose it is. It is looked at for them alone, because it costs time.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { MessagePort } from 'node:worker_threads'
import { toError, toErrorData } from '../../errors/error-data.js'
import type { Culprit } from '../thread-messages.js'

const owners = new AsyncLocalStorage<number>()

/** Runs a waybill so that what it throws out of band is known to be its own. */
export function runAsOwner(waybill: number, run: () => void): void {
  owners.run(waybill, run)
}

/** A worker module that listens itself decides itself. */
export function sayWhatEndsThread(port: MessagePort): void {
  process.on('uncaughtException', (thrown: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return
    const culprit = owners.getStore()
    if (culprit !== undefined) port.postMessage({ culprit } satisfies Culprit)
    throw toError(toErrorData(thrown))
  })
}
