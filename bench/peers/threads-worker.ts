/** A bare thread: runs what it is posted, in turn. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Payload, perform, type Work } from './peer.js'

const work = workerData as Work
parentPort?.on('message', ({ id, input }: Payload) => {
  parentPort?.postMessage({ id, output: perform(work, input) })
})
