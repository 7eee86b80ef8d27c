import { join } from 'node:path'
import { JobQueue } from 'millrace'

// Opened by the first request: `next build` loads this module too. Kept in the process: `next dev` loads it again after each change.
export function openQueue() {
  globalThis.queue ??= JobQueue.open(process.env.QUEUE_DIRECTORY ?? './jobs', {
    workers: { area: join(process.cwd(), 'workers/area.js') },
  })
  return globalThis.queue
}
