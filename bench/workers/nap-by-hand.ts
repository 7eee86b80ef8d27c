/** A bare thread: naps for as long as it is posted, in turn. */
import { parentPort } from 'node:worker_threads'
import nap from './nap.js'

parentPort?.on('message', (ms: number) => parentPort?.postMessage(nap(ms)))
