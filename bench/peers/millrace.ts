/** Millrace, as the peers see it. */
import { openQueue } from '../subject.js'
import type { OpenPeer } from './peer.js'

export function millrace(durability: 'disk' | 'process'): OpenPeer {
  return async (work, directory) => {
    const queue = await openQueue(directory, { durability })
    return {
      async run(input) {
        return (await queue.enqueue(work, input)).finished()
      },
      async runMany(inputs) {
        const jobs = await queue.enqueueMany(work, [...inputs])
        await Promise.all(jobs.map((job) => job.finished()))
      },
      close: () => queue.close(),
    }
  }
}
