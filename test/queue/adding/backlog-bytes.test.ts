import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'

const INPUT = 'x'.repeat(1000)
/** There is room for three jobs with such an input, and not for four. */
const maxBacklogBytes = 3500

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

test('while the backlog takes too many bytes, enqueue waits for room, in the order of the calls', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklogBytes })
  await queue.enqueueMany('echo', [INPUT, INPUT])
  const third = await queue.enqueue('echo', INPUT)
  const calls = [queue.enqueue('echo', INPUT), queue.enqueueMany('echo', [INPUT]), queue.enqueue('echo', 1)]
  assert.deepEqual(await Promise.all(calls.map((each) => isSettled(queue, each))), [false, false, false])
  await third.cancel()
  assert.deepEqual(await Promise.all(calls.map((each) => isSettled(queue, each))), [true, false, false])
  queue.setMaxWorkers(1)
  await Promise.all(calls)
  await queue.idle()
  assert.equal(queue.counts().completed, 5)
})

test('meta counts, and delayed jobs, and jobs that an earlier process has left', async (t) => {
  const directory = await temporaryDirectory(t)
  const earlier = await openQueue(t, { directory, maxWorkers: 0 })
  await earlier.enqueue('echo', INPUT, { delay: 3_600_000 })
  await earlier.enqueue('echo', 1, { meta: INPUT })
  await earlier.enqueue('echo', INPUT, { key: 'known' })
  await earlier.close()
  const queue = await openQueue(t, { directory, maxWorkers: 0, maxBacklogBytes, onFull: 'reject' })
  await assert.rejects(queue.enqueue('echo', INPUT), {
    code: 'MILLRACE_BACKLOG_FULL',
    message: /^the backlog is full \(maxBacklogBytes: 3500 bytes\): enqueue again/,
  })
  await assert.rejects(queue.enqueue('echo', 1, { meta: INPUT }), { code: 'MILLRACE_BACKLOG_FULL' })
  await assert.rejects(queue.enqueue('echo', INPUT, { key: 'new' }), { code: 'MILLRACE_BACKLOG_FULL' })
  assert.equal((await queue.enqueue('echo', INPUT, { key: 'known' })).key, 'known')
  assert.equal((await queue.enqueue('echo', 'small')).input, 'small')
})

test('more bytes at once than the backlog can hold are refused at once', async (t) => {
  for (const onFull of ['wait', 'reject'] as const) {
    const queue = await openQueue(t, { maxWorkers: 0, maxBacklogBytes, onFull })
    const refused = { code: 'MILLRACE_BACKLOG_FULL', message: /^\d+ bytes at once never fit/ }
    await assert.rejects(queue.enqueue('echo', INPUT.repeat(4)), refused)
    await assert.rejects(queue.enqueueMany('echo', new Array(4).fill(INPUT)), refused)
    await assert.rejects(
      queue.enqueueMany('echo', new Array(4).fill(INPUT), { key: (_input, index) => `k${index}` }),
      refused,
    )
    const same = await queue.enqueueMany('echo', new Array(4).fill(INPUT), () => ({ key: 'k' }))
    assert.equal(new Set(same.map(({ id }) => id)).size, 1)
  }
})

test('keys that are being looked up take their bytes, and give them back', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxBacklogBytes })
  const keyed = (key: string) => queue.enqueue('echo', INPUT, { key })
  const [one] = await Promise.all(['a', 'a', 'b', 'c'].map(keyed))
  const fourth = keyed('d')
  assert.deepEqual([await isSettled(queue, fourth), queue.counts().waiting], [false, 3])
  await one?.remove()
  assert.equal((await fourth).key, 'd')
  assert.equal(await isSettled(queue, keyed('e')), false)
})
