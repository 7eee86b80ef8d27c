/** Changes of single jobs that are asked for in one turn: they are written together, and each caller gets the answer for its job. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { readLog } from '../../support/level-log.js'
import { openQueue } from '../../support/queue.js'
import { levelOptions, newJob } from '../../support/store.js'

/** How often the directory has been written since LevelDB began its log. */
async function writesOf(directory: string): Promise<number> {
  return (await readLog(directory)).records.length
}

test('a thousand calls of cancel, retry and remove that are made together are few writes', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const jobs = await queue.enqueueMany('echo', Array(500).keys())
  jobs.push(...(await queue.enqueueMany('echo', Array(500).keys(), { delay: '1h' })))
  const writes: number[] = []
  for (const verb of ['cancel', 'retry', 'remove'] as const) {
    const before = await writesOf(directory)
    await Promise.all(jobs.map((job) => job[verb]()))
    writes.push((await writesOf(directory)) - before)
    const { waiting, cancelled } = queue.counts()
    const expected = { cancel: [0, 1000], retry: [1000, 0], remove: [0, 0] }
    assert.deepEqual([waiting, cancelled], expected[verb])
  }
  // The first call is on its way before the others come.
  for (const each of writes) assert.ok(each >= 1 && each <= 4, `${writes} writes`)
})

test('each call gets the answer for its job', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const done = await queue.enqueue('echo', 1)
  await done.finished()
  const running = await queue.enqueue('blockUnlessAsked')
  await once(queue, 'log')
  const waiting = await queue.enqueueMany('echo', [2, 3])
  const delayed = await queue.enqueue('echo', 4, { delay: '1h' })
  const removed = await queue.enqueue('echo', 5)
  await removed.remove()
  const all = [done, running, ...waiting, delayed]
  const answers = await Promise.allSettled([...all, removed].map((job) => job.cancel()))
  assert.deepEqual(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason.code)),
    [false, true, true, true, true, 'MILLRACE_NO_JOB'],
  )
  const retried = await Promise.allSettled(all.map((job) => job.retry()))
  assert.deepEqual(
    retried.map((answer) => (answer.status === 'fulfilled' ? 'retried' : answer.reason.code)),
    ['MILLRACE_JOB_STATE', 'retried', 'retried', 'retried', 'retried'],
  )
})

test('changes of one job that are asked for together take effect one after the other', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const [first, second] = await queue.enqueueMany('echo', [1, 2])
  assert.ok(first && second)
  assert.deepEqual(await Promise.all([first.cancel(), first.cancel(), second.cancel()]), [true, false, true])
  const again = await queue.enqueue('echo', 3)
  // A waiting job cannot be retried: it has been cancelled by then.
  assert.deepEqual(await Promise.all([again.cancel(), again.retry(), again.remove()]), [
    true,
    undefined,
    undefined,
  ])
  assert.equal(await queue.job(again.id), undefined)
})

test('a change of many between two of single jobs keeps its turn', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const [first, second] = await queue.enqueueMany('echo', [1, 2])
  assert.ok(first && second)
  const answers = await Promise.all([first.cancel(), queue.cancelAll({ state: 'waiting' }), second.cancel()])
  assert.deepEqual(answers, [true, 1, false])
})

test('jobs that are too large for one group are changed in several', async (t) => {
  const { store } = await LevelStore.open(await temporaryDirectory(t), levelOptions({}))
  t.after(() => store.close())
  const lane = store.lane('task')
  const added = await store.add(Array.from({ length: 40 }, () => newJob(lane, 'x'.repeat(300_000))))
  const counted = await Promise.all(
    added.map(async (place) => {
      assert.equal(await store.changeOne(place, { verb: 'cancel' }), true)
      return store.counts().cancelled
    }),
  )
  const [first = 0] = counted
  assert.ok(first > 16 && first < 40, `${first} of 40 were cancelled in the first group`)
  assert.equal(counted.at(-1), 40)
})
