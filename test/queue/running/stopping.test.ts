import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'
import { runScript } from '../../support/script.js'

/** Settles with whatever the job's promise does, so that it may be awaited later. */
function outcomeOf(job: { finished(): Promise<unknown> }): Promise<string> {
  return job.finished().then(
    () => 'completed',
    (error: { code: string }) => error.code,
  )
}

function started(queue: TestQueue): Promise<unknown> {
  return once(queue, 'log')
}

test('a job stuck in synchronous code is cancelled for real, and its thread replaced', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const job = await queue.enqueue('block')
  const outcome = outcomeOf(job)
  await started(queue)
  assert.equal(await job.cancel(), true)
  assert.equal(await outcome, 'MILLRACE_JOB_CANCELLED')
  assert.equal((await queue.job(job.id))?.state, 'cancelled')
  assert.equal(queue.numWorkers, 0)
  assert.equal(await (await queue.enqueue('add', { a: 1, b: 2 })).finished(), 3)
})

test('a job that listens to its signal ends by itself, and its thread goes on', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const file = join(await temporaryDirectory(t), 'reason')
  const before = (await (await queue.enqueue('where')).finished()) as { threadId: number }
  const job = await queue.enqueue('listen', file)
  const outcome = outcomeOf(job)
  await started(queue)
  assert.equal(await queue.cancel(job.id), true)
  assert.equal(await outcome, 'MILLRACE_JOB_CANCELLED')
  assert.equal(await readFile(file, 'utf8'), 'AbortError\n')
  const after = (await (await queue.enqueue('where')).finished()) as { threadId: number }
  assert.equal(after.threadId, before.threadId)
})

test('synchronous code that reads job.signal anew sees that it is cancelled', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1, abortGrace: 60_000 })
  const before = (await (await queue.enqueue('where')).finished()) as { threadId: number }
  const job = await queue.enqueue('blockUnlessAsked')
  const outcome = outcomeOf(job)
  await started(queue)
  assert.equal(await job.cancel(), true)
  assert.equal(await outcome, 'MILLRACE_JOB_CANCELLED')
  const after = (await (await queue.enqueue('where')).finished()) as { threadId: number }
  assert.equal(after.threadId, before.threadId)
})

test('a job that listens but does not end is stopped after abortGrace', async (t) => {
  const queue = await openQueue(t, { abortGrace: 20 })
  const job = await queue.enqueue('stubborn')
  const outcome = outcomeOf(job)
  await started(queue)
  assert.equal(await job.cancel(), true)
  assert.equal(await outcome, 'MILLRACE_JOB_CANCELLED')
})

test('cancelling a running job twice is cancelling it once: both calls say that it was cancelled', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const job = await queue.enqueue('listen', join(await temporaryDirectory(t), 'reason'))
  const outcome = outcomeOf(job)
  await started(queue)
  assert.deepEqual(await Promise.all([job.cancel(), job.cancel()]), [true, true])
  assert.equal(await outcome, 'MILLRACE_JOB_CANCELLED')
})

test('the process ends once a job that listened was cancelled, however long abortGrace is', {
  timeout: 60_000,
}, async (t) => {
  const { code, stdout } = await runScript(
    t,
    `const queue = await JobQueue.open(process.argv[2], {
       workers: { listen: { module: fixture, export: 'listen' } }, abortGrace: 3_600_000,
     })
     const job = await queue.enqueue('listen', process.argv[2] + '-reason')
     queue.once('log', async () => console.log(await job.cancel()))`,
    [join(await temporaryDirectory(t), 'queue')],
  )
  assert.deepEqual([code, stdout], [0, 'true\n'])
})

test('waiting and delayed jobs are cancelled without a thread', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const waiting = await queue.enqueue('echo', 1)
  const delayed = await queue.enqueue('echo', 2, { delay: 60_000 })
  const outcomes = [outcomeOf(waiting), outcomeOf(delayed)]
  const cancelled: string[] = []
  queue.on('cancelled', ({ id }: Job) => cancelled.push(id))
  assert.deepEqual(await Promise.all([waiting.cancel(), delayed.cancel()]), [true, true])
  assert.deepEqual(await Promise.all(outcomes), ['MILLRACE_JOB_CANCELLED', 'MILLRACE_JOB_CANCELLED'])
  assert.deepEqual(cancelled.sort(), [waiting.id, delayed.id].sort())
  assert.deepEqual(queue.counts(), {
    waiting: 0,
    delayed: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 2,
  })
  await queue.idle()
})

test('cancelling what has finished changes nothing', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('echo', 1)
  await job.finished()
  assert.equal(await job.cancel(), false)
  assert.equal((await queue.job(job.id))?.state, 'completed')
  await assert.rejects(queue.cancel('0000000080000000000fffff'), { code: 'MILLRACE_NO_JOB' })
})

test('a timeout counts from the start of the run, ends synchronous code, and is an attempt like any other', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const job = await queue.enqueue('block', undefined, { timeout: 30, attempts: 2 })
  await assert.rejects(job.finished(), /longer than its timeout of 30 ms/)
  const { failures = [] } = (await queue.job(job.id)) ?? {}
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['MILLRACE_TIMEOUT', 'MILLRACE_TIMEOUT'],
  )
})

test('a job that listens is told that it has timed out', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const file = join(await temporaryDirectory(t), 'reason')
  // The thread is there and has loaded the module: it reads the signal long before the time is over.
  await (await queue.enqueue('where')).finished()
  const job = await queue.enqueue('listen', file, { timeout: 300, attempts: 1 })
  await assert.rejects(job.finished(), /longer than its timeout/)
  assert.equal(await readFile(file, 'utf8'), 'TimeoutError\n')
})

test('a long job without a timeout is run once, however long it blocks its thread', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 2 })
  const file = join(await temporaryDirectory(t), 'gate')
  const runs: string[] = []
  queue.on('started', ({ id }) => runs.push(id))
  const job = await queue.enqueue('block')
  await started(queue)
  // Others pass it by; nobody takes it for lost.
  for (let round = 0; round < 20; round++) await (await queue.enqueue('echo', file)).finished()
  assert.equal(runs.filter((id) => id === job.id).length, 1)
  assert.equal((await queue.job(job.id))?.attempt, 1)
  await job.cancel()
})

test('a job that turns out slow does not hold the ones it travels with', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 2 })
  // Teach the queue that this task is quick, so that its jobs travel together.
  await Promise.all((await queue.enqueueMany('count', new Array(2000).fill(0))).map((job) => job.finished()))
  queue.pause()
  const jobs = await queue.enqueueMany('count', [100_000, ...new Array(200).fill(0)])
  queue.resume()
  const order: number[] = []
  await Promise.all(jobs.map((job, index) => job.finished().then(() => order.push(index))))
  assert.equal(order.at(-1), 0, 'the slow job finished last')
})

test('what has finished is known while a job that it travelled with waits', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const [open, closed] = await Promise.all([0, 1].map(async () => join(await temporaryDirectory(t), 'gate')))
  assert.ok(open && closed)
  await writeFile(open, '')
  await Promise.all((await queue.enqueueMany('gate', new Array(500).fill(open))).map((job) => job.finished()))
  queue.pause()
  const quick = await queue.enqueueMany('gate', new Array(3).fill(open))
  const slow = await queue.enqueue('gate', closed)
  queue.resume()
  await Promise.all(quick.map((job) => job.finished()))
  await writeFile(closed, '')
  assert.equal(await slow.finished(), 'through the gate')
})

test('cancelling a job that travels with others spares them', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  await Promise.all((await queue.enqueueMany('count', new Array(2000).fill(0))).map((job) => job.finished()))
  queue.pause()
  const jobs = await queue.enqueueMany('count', [10_000_000, ...new Array(50).fill(1)])
  const outcomes = jobs.map(outcomeOf)
  queue.resume()
  await once(queue, 'started')
  assert.equal(await jobs[0]?.cancel(), true)
  assert.deepEqual(await Promise.all(outcomes), [
    'MILLRACE_JOB_CANCELLED',
    ...new Array(50).fill('completed'),
  ])
  const stored = await Promise.all(jobs.slice(1).map(({ id }) => queue.job(id)))
  assert.ok(stored.every((job) => job?.attempt === 1 && job.failures.length === 0))
})
