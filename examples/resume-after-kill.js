// A process is killed half-way, without warning; the next one goes on where it stopped.
//
//   node examples/resume-after-kill.js
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { JobQueue } from 'millrace'

const DIRECTORY = '.millrace/resume-after-kill'
const open = () =>
  JobQueue.open(DIRECTORY, { workers: { primes: new URL('./workers/primes.js', import.meta.url) } })

if (process.argv[2] === 'victim') {
  const queue = await open()
  let completed = 0
  queue.on('completed', () => {
    // SIGKILL cannot be caught: this is the end, in the middle of everything.
    if (++completed === 5) process.kill(process.pid, 'SIGKILL')
  })
  await queue.enqueueMany('primes', new Array(40).fill({ below: 1_000_000 }))
} else {
  await rm(DIRECTORY, { recursive: true, force: true })
  const [, signal] = await once(fork(fileURLToPath(import.meta.url), ['victim']), 'exit')
  console.log(`the first process ended by ${signal}`)

  const queue = await open()
  const before = queue.counts()
  console.log(`found again: ${before.completed + before.waiting + before.running} of 40 jobs`)
  console.log(`some were done: ${before.completed >= 5}, some were not: ${queue.recovered.waiting > 0}`)
  await queue.idle()
  console.log(`completed in the end: ${queue.counts().completed}`)
  await queue.close()
}
