// Enqueueing twice with one key is enqueueing once, across restarts too: safe to repeat when in doubt.
//
//   node examples/idempotency-keys.js
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/idempotency-keys', {
  workers: { primes: new URL('./workers/primes.js', import.meta.url) },
})

const first = await queue.enqueue('primes', { below: 100 }, { key: 'report 2024-05' })
const again = await queue.enqueue('primes', { below: 100 }, { key: 'report 2024-05' })
console.log(`the same job: ${first.id === again.id}`)
console.log(`its output: ${await again.finished()}`)

// The key is free again once the job is removed, or no longer retained.
await first.remove()
const anew = await queue.enqueue('primes', { below: 100 }, { key: 'report 2024-05' })
console.log(`a new job: ${anew.id !== first.id}`)
await anew.finished()
await queue.clean()
await queue.close()
