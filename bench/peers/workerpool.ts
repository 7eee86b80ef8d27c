/** workerpool, with a dedicated worker script. */
import { fileURLToPath } from 'node:url'
import { THREADS } from '../subject.js'
import { load, type OpenPeer, type Work } from './peer.js'

interface Workerpool {
  pool(
    script: string,
    options: { workerType: 'thread'; minWorkers: number; maxWorkers: number },
  ): {
    exec(method: Work, inputs: [number]): Promise<unknown>
    terminate(): Promise<unknown>
  }
}

const SCRIPT = fileURLToPath(new URL('./workerpool-worker.js', import.meta.url))

export const workerpool: OpenPeer = async (work) => {
  const { pool: openPool } = await load<Workerpool>('workerpool')
  const pool = openPool(SCRIPT, { workerType: 'thread', minWorkers: THREADS, maxWorkers: THREADS })
  return { run: (input) => pool.exec(work, [input]), close: () => pool.terminate() }
}
