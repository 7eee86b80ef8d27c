import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

/** How long after its failure the job is tried again, in ms. */
function delayOf({ runAt, failures }: Job): number {
  return (runAt?.getTime() ?? 0) - Number(failures.at(-1)?.at)
}

test('a job’s own backoff goes before its task’s, and that before the queue’s', async (t) => {
  const queue = await openQueue(t, { backoff: 1_000_000, perTask: { failUntil: { backoff: 2_000_000 } } })
  const delays: number[] = []
  for (const [task, options] of [
    ['failUntil', { backoff: 3_000_000 }],
    ['failUntil', {}],
    ['throwValue', {}],
  ] as const) {
    const retrying = once(queue, 'retrying')
    await (task === 'failUntil'
      ? queue.enqueue(task, 9, options)
      : queue.enqueue('throwValue', undefined, options))
    const [job] = (await retrying) as [Job]
    delays.push(delayOf(job))
  }
  assert.deepEqual(delays, [3_000_000, 2_000_000, 1_000_000])
})

test('the delay grows with the failures', async (t) => {
  const queue = await openQueue(t, { backoff: [0, 1, 5_000_000] })
  await queue.enqueue('failUntil', 9, { attempts: 4 })
  let job: Job | undefined
  for (let failure = 1; failure <= 3; failure++) [job] = (await once(queue, 'retrying')) as [Job]
  assert.equal(job && delayOf(job), 5_000_000)
})

test('the delay grows with failures that are no longer kept', async (t) => {
  const queue = await openQueue(t, { backoff: [...Array(14).fill(0), 5_000_000] })
  await queue.enqueue('failUntil', 99, { attempts: 20 })
  let job: Job | undefined
  do [job] = (await once(queue, 'retrying')) as [Job]
  while (delayOf(job) < 1000)
  assert.deepEqual([job.failureCount, job.failures.length], [15, 10])
})

test('a job that fails hundreds of times with a long message costs the same each time', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  let largest = 0
  queue.on('retrying', ({ failures }) => {
    largest = Math.max(largest, JSON.stringify(failures).length)
  })
  const job = await queue.enqueue('throwValue', 'x'.repeat(16_000), { attempts: 400, backoff: 0 })
  await assert.rejects(job.finished(), /failed after 400 attempts: thrown: x/)
  assert.ok(largest < 60_000, `${largest} characters`)
  await queue.close()
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  const { attempt, failures, failureCount } = (await again.job(job.id)) ?? assert.fail()
  assert.deepEqual([attempt, failureCount], [400, 400])
  assert.deepEqual(
    failures.map((failure) => failure.attempt),
    [1, 2, 3, 394, 395, 396, 397, 398, 399, 400],
  )
})

test('each retry() of a failed job grants it the same number of attempts again', async (t) => {
  const queue = await openQueue(t, { backoff: 0 })
  const runs: number[] = []
  let started = 0
  queue.on('started', () => {
    started++
  })
  const job = await queue.enqueue('failUntil', 99, { attempts: 2 })
  for (let round = 0; round < 3; round++) {
    started = 0
    if (round > 0) await job.retry()
    await assert.rejects(job.finished(), { code: 'MILLRACE_JOB_FAILED' })
    runs.push(started)
  }
  assert.deepEqual(runs, [2, 2, 2])
  const stored = await queue.job(job.id)
  assert.deepEqual([stored?.attempt, stored?.attempts], [6, 6])
})
