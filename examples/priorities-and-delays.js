// Lower priority numbers run first, equal ones in the order they came; a delayed job waits for its time.
//
//   node examples/priorities-and-delays.js
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/priorities-and-delays', {
  workers: { noop: import.meta.resolve('millrace/workers/noop') },
  // Nothing starts until there is a worker, so that the order shows.
  maxWorkers: 0,
})
queue.on('completed', (job) => console.log(job.meta))

await queue.enqueue('noop', undefined, { delay: 300, priority: 20, meta: 'in 0.3 seconds' })
await queue.enqueue('noop', undefined, { meta: 'normal, first' })
await queue.enqueue('noop', undefined, { priority: 10, meta: 'when there is time' })
await queue.enqueue('noop', undefined, { meta: 'normal, second' })
await queue.enqueue('noop', undefined, { priority: -5, meta: 'urgent' })

queue.setMaxWorkers(1)
await queue.idle()
await queue.close()
