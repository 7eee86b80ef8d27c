/** The times of a job: those that its handle or an event shows are those that are stored. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { openQueue } from '../../support/queue.js'

/** A clock that never shows a time twice: only what takes its time from one look at it has the same time. */
function tickAtEachLook(t: TestContext): void {
  let now = Date.now()
  t.mock.method(Date, 'now', () => now++)
}

test('a handle has the time at which its job was enqueued, as it is stored, whichever way it came in', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const limited = await openQueue(t, { maxWorkers: 0, maxBacklog: 100 })
  tickAtEachLook(t)
  for (const from of [queue, limited]) {
    const jobs = [
      await from.enqueue('echo', 1),
      await from.enqueue('echo', 2, { key: 'k' }),
      await from.enqueue('echo', 2, { key: 'k' }),
      await from.enqueue('echo', 3, { delay: '1h' }),
      await from.enqueue('echo', 4, { delay: '1h', key: 'later' }),
      ...(await from.enqueueMany('echo', [5, 6])),
      ...(await from.enqueueMany('echo', [7, 8], { key: (input) => `${input}` })),
      ...(await from.enqueueMany('echo', [9, 10], { delay: '1h' })),
    ]
    for (const { id, input, enqueuedAt } of jobs)
      assert.deepEqual((await from.job(id))?.enqueuedAt, enqueuedAt, `input ${input}`)
  }
})

test('the event of an outcome has the time at which the job finished, as it is stored', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1, attempts: 1 })
  tickAtEachLook(t)
  const shown = new Map<string, Job>()
  queue.on('finished', (job) => shown.set(job.id, job))
  await queue.enqueueMany('echo', [1, 2, 3])
  await queue.enqueue('throwUnrecoverable')
  await queue.idle()
  // One that runs, and others that do not.
  const running = await queue.enqueue('blockUnlessAsked')
  await once(queue, 'log')
  const single = await queue.enqueue('echo', 4)
  await queue.enqueueMany('echo', [5, 6], { delay: '1h' })
  await queue.enqueueMany('echo', [7, 8])
  await running.cancel()
  await single.cancel()
  await queue.cancelAll()
  const states = { completed: 0, failed: 0, cancelled: 0 }
  for (const { id, state, enqueuedAt, finishedAt } of await queue.jobs()) {
    assert.ok(finishedAt && finishedAt > enqueuedAt)
    assert.deepEqual(shown.get(id)?.finishedAt, finishedAt, state)
    states[state as keyof typeof states]++
  }
  assert.deepEqual([states.completed + states.cancelled, states.failed], [9, 1])
})
