// A task run on each of many inputs, which may come slowly or without end: at most `buffer` jobs are in the queue at once.
//
//   node examples/map-inputs.js
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/map-inputs', {
  workers: { primes: new URL('./workers/primes.js', import.meta.url) },
})

function* limits() {
  for (let below = 1000; below <= 100_000; below += 1000) yield { below }
}

let most = 0
let outcomes = 0
for await (const { input, output, error } of queue.map('primes', limits(), { buffer: 10 })) {
  const { waiting, running } = queue.counts()
  most = Math.max(most, waiting + running)
  outcomes++
  if (error) console.error(`${input.below}: ${error.message}`)
  else if (input.below === 100_000) console.log(`${output} primes below 100,000`)
}
console.log(`${outcomes} outcomes, never more than 10 jobs at once: ${most <= 10}`)
await queue.close()
