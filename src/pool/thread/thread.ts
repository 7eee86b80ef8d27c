/**
 * What runs inside a worker thread, for as long as it lives. It takes the port by which waybills come, and runs one after another.
 * Those that share it run at the same time.
 *
 * Between two waybills, and while a job awaits something, the thread's event loop goes on: timers, sockets and streams of worker
 * modules live. The next waybill lies in the port already when one is done.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { WaybillMessage } from '../waybill/waybill.js'
import { printThrough } from './print.js'
import { runWaybill } from './run-waybill.js'
import { runAsOwner, sayWhatEndsThread } from './uncaught.js'

/** Takes the port. What Piscina takes for the whole task ends with that. */
export default function takePort({ port }: { readonly port: MessagePort }): void {
  sayWhatEndsThread(port)
  printThrough(port)
  const waybills: WaybillMessage[] = []
  let isWorking = false
  const work = async (): Promise<void> => {
    isWorking = true
    for (;;) {
      const waybill = waybills.shift() ?? (receiveMessageOnPort(port)?.message as WaybillMessage | undefined)
      if (!waybill) break
      if (waybill.isShared) runAsOwner(waybill.number, () => void runWaybill(waybill, port))
      else await runWaybill(waybill, port)
    }
    isWorking = false
  }
  port.on('message', (waybill: WaybillMessage) => {
    waybills.push(waybill)
    if (!isWorking) void work()
  })
  port.postMessage({ isOpen: true })
}
