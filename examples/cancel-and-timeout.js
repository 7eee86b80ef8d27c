// Stopping jobs for real: even synchronous code that never looks up is ended, with its thread, which is replaced.
//
//   node examples/cancel-and-timeout.js
import { once } from 'node:events'
import { JobQueue } from 'millrace'

const module = new URL('./workers/endless.js', import.meta.url)
const queue = await JobQueue.open('.millrace/cancel-and-timeout', {
  workers: {
    stuck: { module, export: 'stuck' },
    polite: { module, export: 'polite' },
    primes: new URL('./workers/primes.js', import.meta.url),
  },
  maxWorkers: 1,
  attempts: 1,
})
const outcome = (/** @type {import('millrace').Job} */ job) => job.finished().catch((error) => error.message)

const stuck = await queue.enqueue('stuck')
const first = outcome(stuck)
await once(queue, 'log')
await stuck.cancel()
console.log((await first).replace(stuck.id, '…'))

const slow = await queue.enqueue('stuck', undefined, { timeout: 100 })
console.log((await outcome(slow)).replace(slow.id, '…'))

const polite = await queue.enqueue('polite')
const last = outcome(polite)
await once(queue, 'log')
queue.on('log', (_job, text) => console.log(text))
await polite.cancel()
console.log((await last).replace(polite.id, '…'))

const next = await queue.enqueue('primes', { below: 1000 })
console.log(`the next job runs: ${await next.finished()} primes`)
await queue.close()
