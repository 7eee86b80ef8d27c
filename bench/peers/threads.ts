/** Bare `worker_threads`: no pool at all, but two threads that are posted jobs by turns. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { THREADS } from '../subject.js'
import { type OpenPeer, Outcomes, type Payload } from './peer.js'

const SCRIPT = new URL('./threads-worker.js', import.meta.url)

export const threads: OpenPeer = async (work) => {
  const outcomes = new Outcomes()
  const workers = Array.from({ length: THREADS }, () => new Worker(SCRIPT, { workerData: work }))
  for (const worker of workers) worker.on('message', ({ id }: { id: number }) => outcomes.report(id))
  await Promise.all(workers.map((worker) => once(worker, 'online')))
  return {
    run(input) {
      const { id, reported } = outcomes.expect()
      const payload: Payload = { id, input }
      workers[id % THREADS]?.postMessage(payload)
      return reported
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
