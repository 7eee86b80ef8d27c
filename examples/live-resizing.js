// The number of workers follows setMaxWorkers while jobs run; no running job is touched.
//
//   node examples/live-resizing.js
import { once } from 'node:events'
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/live-resizing', {
  workers: { primes: new URL('./workers/primes.js', import.meta.url) },
  maxWorkers: 1,
})
const JOBS = 24
await queue.enqueueMany('primes', new Array(JOBS).fill({ below: 3_000_000 }))
await once(queue, 'completed')
console.log(`one worker: ${queue.numWorkers <= 1}`)

queue.setMaxWorkers(3)
while (queue.numWorkers < 3) await once(queue, 'started')
console.log(`three workers: ${queue.numWorkers === 3}`)

queue.setMaxWorkers(0)
while (queue.numWorkers > 0) await once(queue, 'completed')
const { waiting, running } = queue.counts()
console.log(`held: ${running} running, some waiting: ${waiting > 0}`)

queue.setMaxWorkers(2)
await queue.idle()
console.log(`failed: ${queue.counts().failed}, waiting: ${queue.counts().waiting}`)
await queue.close()
