/**
 * What runs inside a worker thread, for as long as it lives. It takes the port by which waybills come, and runs one after another.
 * Those that share it run at the same time.
 *
 * Between two waybills, and while a job awaits something, the thread's event loop goes on: timers, sockets and streams of worker
 * modules live. The next waybill lies in the port already when one is done.
 *
 * The application's setup begins as soon as the thread has its port. The first job awaits it.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { encode } from '../../codec/codec.js'
import { toErrorData } from '../../errors/error-data.js'
import type { WorkerModule } from '../../tasks/worker-module.js'
import { END, type Milestone } from '../thread-messages.js'
import type { WaybillMessage } from '../waybill/waybill.js'
import { printThrough } from './print.js'
import { runWaybill } from './run-waybill.js'
import { beginSetup, endThread } from './thread-setup.js'
import { runAsOwner, sayWhatEndsThread } from './uncaught.js'

type ToThread = WaybillMessage | typeof END

interface Start {
  readonly port: MessagePort
  readonly setup: WorkerModule | undefined
}

/** Takes the port. What Piscina takes for the whole task ends with that. */
export default function takePort({ port, setup }: Start): void {
  sayWhatEndsThread(port)
  printThrough(port)
  const messages: ToThread[] = []
  let isWorking = false
  const work = async (): Promise<void> => {
    isWorking = true
    for (;;) {
      const message = messages.shift() ?? (receiveMessageOnPort(port)?.message as ToThread | undefined)
      if (!message) break
      if (message === END) await reach('ended', endThread(), port)
      else if (message.isShared) runAsOwner(message.number, () => void runWaybill(message, port))
      else await runWaybill(message, port)
    }
    isWorking = false
  }
  port.on('message', (message: ToThread) => {
    messages.push(message)
    if (!isWorking) void work()
  })
  port.postMessage({ isOpen: true })
  if (setup) void reach('setUp', beginSetup(setup), port)
}

async function reach(
  milestone: Milestone['milestone'],
  reached: Promise<void>,
  port: MessagePort,
): Promise<void> {
  const error = await reached.then(
    () => undefined,
    (thrown: unknown) => encode(toErrorData(thrown), 'error'),
  )
  port.postMessage({ milestone, error: error && Uint8Array.from(error) } satisfies Milestone)
}
