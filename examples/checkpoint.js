// A long computation is killed in its middle (kill -9), and goes on there in the next process.
//
//   node examples/checkpoint.js
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { JobQueue } from 'millrace'

const BELOW = 3_000_000
const DIRECTORY = '.millrace/checkpoint'
const open = () =>
  JobQueue.open(DIRECTORY, { workers: { primes: new URL('./workers/count-primes.js', import.meta.url) } })

if (process.argv[2] === 'victim') {
  const queue = await open()
  queue.on('progress', (_job, part) => {
    // SIGKILL cannot be caught: this is the end, in the middle of the computation.
    if (part > 1 / 3) process.kill(process.pid, 'SIGKILL')
  })
  await queue.enqueue('primes', { below: BELOW })
} else {
  await rm(DIRECTORY, { recursive: true, force: true })
  const [, signal] = await once(fork(fileURLToPath(import.meta.url), ['victim']), 'exit')
  console.log(`the first process ended by ${signal}`)

  const queue = await open()
  const [job] = await queue.jobs()
  const { primes, beganAt } = await job.finished()
  console.log(`the second attempt began in the middle: ${beganAt > BELOW / 3}`)
  console.log(`primes below ${BELOW}: ${primes}`)
  await queue.close()
}
