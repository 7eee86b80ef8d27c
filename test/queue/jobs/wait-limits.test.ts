/** Waiting for a job with a limit, and until the queue is drained. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WaitOptions } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

test('finished() gives up after its timeout, and the job goes on', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const job = await queue.enqueue('echo', 1)
  const unlimited = job.finished()
  await assert.rejects(job.finished({ timeout: '5ms' }), {
    code: 'MILLRACE_WAIT_TIMEOUT',
    message: /within 5 ms, and goes on/,
  })
  await assert.rejects(job.finished({ timeout: 0 }), { code: 'MILLRACE_WAIT_TIMEOUT' })
  const { signal } = new AbortController()
  await assert.rejects(job.finished({ timeout: 0, signal }), { code: 'MILLRACE_WAIT_TIMEOUT' })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  const limited = job.finished({ timeout: '1h', signal })
  queue.setMaxWorkers(1)
  assert.deepEqual(await Promise.all([unlimited, limited, job.finished({})]), [1, 1, 1])
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  assert.equal(await job.finished({ timeout: '1h' }), 1)
})

test('finished() gives up when its signal is aborted, with its reason', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const job = await queue.enqueue('echo', 1)
  const waits = [job.finished(), job.finished(), job.finished()]
  const controllers = [0, 1, 2].map(() => new AbortController())
  const limited = controllers.map(({ signal }) => job.finished({ signal }))
  for (const [index, controller] of controllers.entries()) {
    controller.abort(new Error(`reason ${index}`))
    await assert.rejects(limited[index] as Promise<unknown>, { message: `reason ${index}` })
  }
  await assert.rejects(job.finished({ signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  })
  queue.setMaxWorkers(1)
  assert.deepEqual(await Promise.all(waits), [1, 1, 1])
})

test('the options of finished() are checked', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const job = await queue.enqueue('echo', 1)
  for (const options of [{ timeout: -1 }, { timeout: 'soon' }, { signal: {} }, { timeOut: 5 }])
    await assert.rejects(async () => job.finished(options as WaitOptions), { code: 'MILLRACE_OPTION' })
})

test('drain() waits for what waits and runs, and not for delayed jobs', async (t) => {
  const queue = await openQueue(t, { backoff: '1h' })
  await queue.drain()
  const gate = join(await temporaryDirectory(t), 'gate')
  await queue.enqueue('echo', 'later', { delay: '1h' })
  await queue.drain()
  await queue.enqueueMany('gate', [gate, gate, gate])
  await queue.enqueue('failUntil', 2)
  await once(queue, 'log')
  const drained = queue.drain()
  await writeFile(gate, '')
  await drained
  const { completed, delayed, waiting, running } = queue.counts()
  assert.deepEqual([completed, delayed, waiting, running], [3, 2, 0, 0])
})

test('drain() waits for a keyed job that is still being looked up', async (t) => {
  const queue = await openQueue(t)
  await queue.enqueue('echo', 'later', { delay: '1h' })
  const enqueued = queue.enqueue('echo', 1, { key: 'k' })
  queue.setMaxWorkers(1)
  await queue.drain()
  assert.equal(queue.counts().completed, 1)
  await enqueued
})

test('close({ drain: true }) runs what waits, refuses what comes, and leaves delayed jobs', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, maxWorkers: 1 })
  queue.pause()
  const jobs = await queue.enqueueMany('echo', [1, 2, 3])
  await queue.enqueue('echo', 'later', { delay: '1h' })
  const outputs = Promise.all(jobs.map((job) => job.finished()))
  queue.resume()
  const closed = queue.close({ drain: true, timeout: '1h' })
  await assert.rejects(queue.enqueue('echo', 4), { code: 'MILLRACE_CLOSED' })
  await closed
  assert.deepEqual(await outputs, [1, 2, 3])
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  const { completed, delayed, waiting } = again.counts()
  assert.deepEqual([completed, delayed, waiting], [3, 1, 0])
})

test('close({ drain: true }) keeps its timeout, and returns what has not run', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, maxWorkers: 1 })
  await queue.enqueueMany('block', [undefined, undefined])
  await once(queue, 'log')
  await queue.close({ drain: true, timeout: 10 })
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual(again.recovered, { returned: 0, failed: 0, waiting: 2 })
  for (const { attempt, failures } of await again.jobs()) assert.deepEqual([attempt, failures], [0, []])
})
