import { join } from 'node:path'
import { JobQueue } from 'millrace'

// `next dev` loads this module again after each change. The queue is opened once in a process.
globalThis.queue ??= JobQueue.open(process.env.QUEUE_DIRECTORY ?? './jobs', {
  workers: { area: join(process.cwd(), 'workers/area.js') },
})

export const queue = globalThis.queue
