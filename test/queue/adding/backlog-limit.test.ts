import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'

/** Whether a promise is settled once all that was begun before has reached the disk. */
async function isSettled(queue: TestQueue, promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = () => {
    settled = true
  }
  promise.then(note, note)
  await queue.jobs()
  return settled
}

test('while the backlog is full, enqueue waits for room, in the order of the calls', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2 })
  await queue.enqueueMany('echo', ['a', 'b'])
  const waiting = ['c', 'd', 'e'].map((input) => queue.enqueue('echo', input))
  assert.deepEqual(await Promise.all(waiting.map((each) => isSettled(queue, each))), [false, false, false])
  assert.equal(queue.counts().waiting, 2)
  let most = 0
  queue.on('updated', (counts) => {
    most = Math.max(most, counts.waiting)
  })
  const finished: unknown[] = []
  queue.on('completed', ({ output }) => finished.push(output))
  queue.setMaxWorkers(1)
  await Promise.all(waiting)
  await queue.idle()
  assert.deepEqual(finished, ['a', 'b', 'c', 'd', 'e'])
  assert.ok(most <= 2, `${most} jobs waited`)
})

test('delayed jobs take room, and cancelling or removing a job makes room', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2 })
  const delayed = await queue.enqueue('echo', 1, { delay: 3_600_000 })
  const waiting = await queue.enqueue('echo', 2)
  const third = queue.enqueue('echo', 3)
  const fourth = queue.enqueue('echo', 4)
  assert.equal(await isSettled(queue, third), false)
  await delayed.cancel()
  assert.equal((await third).input, 3)
  assert.equal(await isSettled(queue, fourth), false)
  await waiting.remove()
  assert.equal((await fourth).input, 4)
  assert.equal(queue.counts().waiting, 2)
})

test('jobs that are enqueued together come in together, and nobody overtakes them', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 3 })
  const [first, second] = await queue.enqueueMany('echo', [1, 2])
  const many = queue.enqueueMany('echo', [3, 4, 5])
  const small = queue.enqueue('echo', 6)
  assert.deepEqual([await isSettled(queue, many), await isSettled(queue, small)], [false, false])
  await first?.cancel()
  assert.deepEqual([await isSettled(queue, many), queue.counts().waiting], [false, 1])
  await second?.cancel()
  assert.equal((await many).length, 3)
  assert.deepEqual([await isSettled(queue, small), queue.counts().waiting], [false, 3])
})

test('more jobs at once than the backlog can hold are refused at once', async (t) => {
  for (const onFull of ['wait', 'reject'] as const) {
    const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2, onFull })
    await assert.rejects(queue.enqueueMany('echo', [1, 2, 3]), {
      code: 'MILLRACE_BACKLOG_FULL',
      message: /^3 jobs at once never fit/,
    })
    assert.equal(queue.counts().waiting, 0)
    assert.equal((await queue.enqueueMany('echo', [1, 2])).length, 2)
  }
})

test('with onFull reject, what does not fit is refused at once, and map waits all the same', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2, onFull: 'reject' })
  const enqueued = await Promise.allSettled([1, 2, 3].map((input) => queue.enqueue('echo', input)))
  assert.deepEqual(
    enqueued.map((result) => (result.status === 'rejected' ? result.reason.code : 'added')),
    ['added', 'added', 'MILLRACE_BACKLOG_FULL'],
  )
  queue.setMaxWorkers(1)
  const outputs: unknown[] = []
  for await (const { output } of queue.map('echo', [4, 5, 6, 7, 8], { buffer: 5 })) outputs.push(output)
  assert.deepEqual(outputs, [4, 5, 6, 7, 8])
})

test('keys that are being looked up take room, and give it back where the job exists', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2 })
  const [first, again] = await Promise.all([
    queue.enqueue('echo', 1, { key: 'one' }),
    queue.enqueue('echo', 1, { key: 'one' }),
  ])
  assert.equal(first.id, again.id)
  const rest = [2, 3].map((input) => queue.enqueue('echo', input, { key: `key ${input}` }))
  assert.equal((await rest[0])?.input, 2)
  assert.deepEqual([await isSettled(queue, Promise.all(rest)), queue.counts().waiting], [false, 2])
  await first.cancel()
  assert.equal((await rest[1])?.input, 3)
})

test('jobs that come back are never refused: revived ones, retries and those of a reopened directory', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, maxWorkers: 0, maxBacklog: 1, backoff: 3_600_000 })
  const failing = await queue.enqueue('failUntil', 2)
  await failing.cancel()
  const other = await queue.enqueue('echo', 'fills the backlog')
  await failing.retry()
  const more = queue.enqueue('echo', 'more')
  assert.deepEqual([await isSettled(queue, more), queue.counts().waiting], [false, 2])
  queue.setMaxWorkers(1)
  await other.finished()
  // The retry fills the backlog alone.
  assert.deepEqual([await isSettled(queue, more), queue.counts().delayed], [false, 1])
  const refused = assert.rejects(more, { code: 'MILLRACE_CLOSED' })
  await queue.close()
  await refused
  const roomy = await openQueue(t, { directory, maxWorkers: 0 })
  await roomy.enqueueMany('echo', [1, 2])
  await roomy.close()
  const again = await openQueue(t, { directory, maxBacklog: 1 })
  assert.equal(again.recovered.waiting, 3)
  await again.retry(failing.id)
  await again.enqueue('echo', 3)
  await again.idle()
  assert.deepEqual([again.counts().completed, again.counts().waiting], [5, 0])
})

test('closing refuses what waits for room, before it is done', async (t) => {
  const gate = join(await temporaryDirectory(t), 'gate')
  const queue = await openQueue(t, { maxWorkers: 1, maxBacklog: 1 })
  await queue.enqueue('gate', gate)
  await once(queue, 'log')
  await queue.enqueue('echo', 1)
  const waiting = [queue.enqueue('echo', 2), queue.enqueueMany('echo', [3])]
  const closing = queue.close()
  for (const each of waiting) await assert.rejects(each, { code: 'MILLRACE_CLOSED' })
  await writeFile(gate, '')
  await closing
})

test('many that wait for a small backlog all come in and run', async (t) => {
  const queue = await openQueue(t, { maxBacklog: 10 })
  const enqueued = await Promise.all(Array.from({ length: 2000 }, (_, index) => queue.enqueue('echo', index)))
  await queue.idle()
  assert.equal(queue.counts().completed, 2000)
  const order = enqueued.map(({ id }) => id)
  assert.deepEqual(order, [...order].sort())
})

test('a job that exists already needs no room, and is not refused', async (t) => {
  for (const onFull of ['wait', 'reject'] as const) {
    const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 1, onFull })
    const first = await queue.enqueue('echo', 1, { key: 'k' })
    assert.equal((await queue.enqueue('echo', 1, { key: 'k' })).id, first.id)
    const [one, two] = await queue.enqueueMany('echo', [1, 1], () => ({ key: 'k' }))
    assert.deepEqual([one?.id, two?.id], [first.id, first.id])
  }
})

test('equal keys at the same moment take the room of one job', async (t) => {
  for (const onFull of ['wait', 'reject'] as const) {
    const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 1, onFull })
    const same = await Promise.all([1, 2, 3].map((input) => queue.enqueue('echo', input, { key: 'k' })))
    assert.equal(new Set(same.map(({ id }) => id)).size, 1)
    const other = await openQueue(t, { maxWorkers: 0, maxBacklog: 1, onFull })
    const together = await other.enqueueMany('echo', [1, 2, 3], () => ({ key: 'k' }))
    assert.equal(new Set(together.map(({ id }) => id)).size, 1)
    assert.equal(other.counts().waiting, 1)
  }
})

test('who comes while a keyed job is being added is let in, if there is room for both', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2 })
  for (let turns = 0; turns < 40; turns++) {
    const keyed = queue.enqueue('echo', 1, { key: `k${turns}` })
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    const both = await Promise.all([keyed, queue.enqueue('echo', 2)])
    for (const job of both) await job.remove()
  }
})

test('nobody overtakes a job whose key is being looked up', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 1 })
  const calls = [
    queue.enqueue('echo', 1, { key: 'k' }),
    queue.enqueue('echo', 2),
    queue.enqueueMany('echo', [3]),
  ]
  const first = (await Promise.race(calls.slice(0, 2))) as Job
  assert.equal(first.input, 1)
  for (const call of calls.slice(1)) call.catch(() => {})
})
