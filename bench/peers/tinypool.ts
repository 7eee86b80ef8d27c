/** Tinypool: Piscina's smaller sibling. */
import { fileURLToPath } from 'node:url'
import { NOOP, SPIN, THREADS } from '../subject.js'
import { load, type OpenPeer } from './peer.js'

interface Tinypool {
  default: new (options: {
    filename: string
    runtime: 'worker_threads'
    minThreads: number
    maxThreads: number
  }) => {
    run(input: number, options: { name?: string }): Promise<unknown>
    destroy(): Promise<void>
  }
}

export const tinypool: OpenPeer = async (work) => {
  const { default: Pool } = await load<Tinypool>('tinypool')
  const pool = new Pool({
    filename: fileURLToPath(work === 'noop' ? NOOP : SPIN),
    runtime: 'worker_threads',
    minThreads: THREADS,
    maxThreads: THREADS,
  })
  const options = work === 'noop' ? {} : { name: work }
  return { run: (input) => pool.run(input, options), close: () => pool.destroy() }
}
