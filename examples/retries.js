// A job that fails is tried again, later each time; an UnrecoverableError ends it at once.
//
//   node examples/retries.js
import { JobFailedError, JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/retries', {
  workers: { deliver: new URL('./workers/flaky.js', import.meta.url) },
  attempts: 5,
  backoff: { base: 20, factor: 2, jitter: 0 },
})
queue.on('retrying', (job) => console.log(`attempt ${job.attempt} failed: ${job.failures.at(-1)?.message}`))

const good = await queue.enqueue('deliver', { address: 'ada@example.org' })
console.log(await good.finished())

const bad = await queue.enqueue('deliver', { address: 'nowhere' })
try {
  await bad.finished()
} catch (error) {
  if (!(error instanceof JobFailedError)) throw error
  console.log(`failed for good after ${error.failures.length} attempt: ${error.failures.at(-1)?.message}`)
}

// Failed jobs are kept, with their inputs, until they are retried, removed or too old.
for (const job of await queue.jobs({ state: 'failed' })) await job.remove()
await queue.close()
