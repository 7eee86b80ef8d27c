/** Tasks that have no worker here, and names that have had no job. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { LevelStore } from '../../src/store/level/level-store.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE, openQueue } from '../support/queue.js'
import { levelOptions } from '../support/store.js'

const echo = { module: FIXTURE, export: 'echo' }

test('tasks that have jobs and no worker are named, and do not keep the queue from being idle', async (t) => {
  const directory = await temporaryDirectory(t)
  const before = await JobQueue.open(directory, {
    workers: { old: echo, older: echo, done: echo, same: echo },
  })
  await (await before.enqueue('done', 1)).finished()
  await before.enqueue('older', 1, { delay: '1h' })
  before.pause()
  await before.enqueueMany('old', [1, 2])
  await before.enqueue('same', 3)
  await before.close()
  const queue = await JobQueue.open(directory, { workers: { same: echo, renamed: echo } })
  t.after(() => queue.close())
  const told = once(queue, 'withoutWorker')
  assert.deepEqual([...(queue.recovered.withoutWorker ?? [])].sort(), ['old', 'older'])
  assert.deepEqual(await told, [queue.recovered.withoutWorker])
  await queue.idle()
  await queue.drain()
  const untyped = queue as unknown as JobQueue
  assert.equal(untyped.counts('old').waiting, 2)
  assert.deepEqual([untyped.counts('older').delayed, untyped.counts('done').completed], [1, 1])
  const [first, second] = await untyped.jobs({ task: 'old' })
  assert.equal(first?.task, 'old')
  await first?.cancel()
  await second?.remove()
  assert.equal(await untyped.clean({ task: 'old', state: 'cancelled' }), 1)
  await assert.rejects(untyped.enqueue('old', 1), { code: 'MILLRACE_UNKNOWN_TASK' })
})

test('a job without a worker that is sent back to the backlog does not keep the queue from being idle', async (t) => {
  const directory = await temporaryDirectory(t)
  const before = await JobQueue.open(directory, { workers: { old: echo, gone: echo } })
  await before.enqueue('old', 1, { delay: '1h' })
  await (await before.enqueue('gone', 1, { delay: '1h' })).cancel()
  await before.close()
  const queue = await JobQueue.open(directory, { workers: { same: echo } })
  t.after(() => queue.close())
  assert.deepEqual(queue.recovered.withoutWorker, ['old'])
  const untyped = queue as unknown as JobQueue
  const [job] = await untyped.jobs({ task: 'gone' })
  assert.ok(job)
  await job.retry()
  assert.equal(untyped.counts('gone').waiting, 1)
  const same = await queue.enqueue('same', 2)
  await queue.idle()
  assert.equal((await queue.job(same.id))?.state, 'completed')
})

test('where every task has a worker nothing is said', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await queue.enqueue('echo', 1)
  await queue.close()
  const again = await JobQueue.open(directory, { workers: () => echo, maxWorkers: 0 })
  t.after(() => again.close())
  again.on('withoutWorker', () => assert.fail('all tasks have a worker'))
  assert.equal('withoutWorker' in again.recovered, false)
  await again.jobs()
})

test('asking about a task that has had no job leaves no trace', async (t) => {
  const directory = await temporaryDirectory(t)
  const open = () => JobQueue.open(directory, { workers: () => echo, maxWorkers: 1 })
  const queue = await open()
  const none = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
  assert.deepEqual(queue.counts('a'), none)
  assert.deepEqual(await queue.jobs({ task: 'b' }), [])
  assert.equal(await queue.clean({ task: 'c' }), 0)
  queue.pause('d')
  assert.deepEqual([queue.isPaused('d'), queue.isPaused('e')], [true, false])
  const held = await queue.enqueue('d', 1)
  // Its number says how many tasks came before it.
  assert.match(held.id, /^00000000/)
  for (let user = 0; user < 1000; user++) {
    assert.deepEqual(queue.counts(`user ${user}`), none)
    assert.equal(queue.isPaused(`user ${user}`), false)
  }
  await (await queue.enqueue('f', 1)).finished()
  assert.equal(queue.counts('d').waiting, 1)
  queue.resume('d')
  assert.equal(await held.finished(), 1)
  for (const name of ['', 'x'.repeat(257), 5 as unknown as string])
    assert.throws(() => queue.counts(name), { code: 'MILLRACE_OPTION' })
  await queue.close()
  const { store } = await LevelStore.open(directory, levelOptions({}))
  t.after(() => store.close())
  assert.deepEqual(store.tasks(), ['d', 'f'])
})

test('a name for which no worker was given, and that has had no job, is refused', async (t) => {
  const queue = (await openQueue(t)) as unknown as JobQueue
  const refused = { code: 'MILLRACE_UNKNOWN_TASK' }
  for (const call of [() => queue.counts('ehco'), () => queue.pause('ehco'), () => queue.isPaused('ehco')])
    assert.throws(call, refused)
  await assert.rejects(queue.jobs({ task: 'ehco' }), refused)
  await assert.rejects(queue.clean({ task: 'ehco' }), refused)
})

test('a directory that this process has open names a recipe for servers that load a module again', async (t) => {
  const directory = await temporaryDirectory(t)
  await openQueue(t, { directory })
  await assert.rejects(openQueue(t, { directory }), {
    message: /close that queue first.*globalThis\.queue \?\?=/,
  })
})
