import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n')
}

/** Fulfilled when so many jobs say that they have begun. */
function begun(queue: TestQueue, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const note = () => {
      if (--left > 0) return
      queue.off('log', note)
      resolve()
    }
    queue.on('log', note)
  })
}

test('lower priorities run first, and equals in the order in which they came', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const file = join(await temporaryDirectory(t), 'order')
  const priorities = [3, 0, -5, 0, 32_767, -32_768, 3, -5]
  for (const [index, priority] of priorities.entries())
    await queue.enqueue('append', { file, line: `${priority}#${index}` }, { priority })
  queue.setMaxWorkers(1)
  await queue.idle()
  assert.deepEqual(await linesOf(file), ['-32768#5', '-5#2', '-5#7', '0#1', '0#3', '3#0', '3#6', '32767#4'])
})

test('priority and age count across tasks too', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const started: string[] = []
  queue.on('started', ({ task }) => started.push(task))
  await queue.enqueue('echo', 1)
  await queue.enqueue('add', { a: 1, b: 1 })
  await queue.enqueue('where', undefined, { priority: -1 })
  await queue.enqueue('echo', 2)
  queue.setMaxWorkers(1)
  await queue.idle()
  assert.deepEqual(started, ['where', 'echo', 'add', 'echo'])
})

test('maxWorkers is followed up, down and to nothing, and running jobs are not touched', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1, idleTimeout: 10 })
  const gate = join(await temporaryDirectory(t), 'gate')
  const first = begun(queue, 1)
  const jobs = await queue.enqueueMany('gate', new Array(6).fill(gate))
  await first
  assert.deepEqual([queue.maxWorkers, queue.numWorkers], [1, 1])
  const three = begun(queue, 2)
  queue.setMaxWorkers(3)
  await three
  assert.deepEqual([queue.maxWorkers, queue.numWorkers, queue.counts().waiting], [3, 3, 3])
  queue.setMaxWorkers(0)
  assert.equal(queue.numWorkers, 3)
  await writeFile(gate, '')
  await Promise.all(jobs.slice(0, 3).map((job) => job.finished()))
  while (queue.numWorkers > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([queue.counts().waiting, queue.counts().completed], [3, 3])
  queue.setMaxWorkers(2)
  await queue.idle()
  assert.equal(queue.counts().completed, 6)
})

test('a lane runs no more jobs at once than its concurrency, and does not hold up the others', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 3, perTask: { gate: { concurrency: 1 } } })
  const gate = join(await temporaryDirectory(t), 'gate')
  const first = begun(queue, 1)
  await queue.enqueueMany('gate', [gate, gate, gate])
  await first
  const others = await queue.enqueueMany('echo', [1, 2, 3, 4])
  await Promise.all(others.map((job) => job.finished()))
  assert.deepEqual([queue.counts('gate').running, queue.counts('gate').waiting], [1, 2])
  await writeFile(gate, '')
  await queue.idle()
})

test('pause holds all jobs or those of one task, resume lets them go', async (t) => {
  const queue = await openQueue(t)
  queue.pause('echo')
  const held = await queue.enqueue('echo', 1)
  assert.equal(await (await queue.enqueue('add', { a: 1, b: 1 })).finished(), 2)
  assert.deepEqual([queue.isPaused(), queue.isPaused('echo'), queue.isPaused('add')], [false, true, false])
  queue.pause()
  queue.resume('echo')
  const other = await queue.enqueue('add', { a: 1, b: 2 })
  assert.deepEqual([queue.isPaused(), queue.counts().waiting], [true, 2])
  queue.resume()
  assert.deepEqual([await held.finished(), await other.finished()], [1, 3])
})

test('a delayed job runs when it is due, and not before', async (t) => {
  const queue = await openQueue(t)
  const at = Date.now() + 60
  const [soon, later] = [
    await queue.enqueue('where', undefined, { runAt: new Date(at) }),
    await queue.enqueue('where', undefined, { delay: 3_600_000 }),
  ]
  assert.deepEqual([soon.state, later.state, queue.counts().delayed], ['delayed', 'delayed', 2])
  await soon.finished()
  assert.ok(Date.now() >= at)
  assert.equal((await queue.job(later.id))?.state, 'delayed')
  await later.retry()
  await later.finished()
})

test('what is due in the past runs at once', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('echo', 1, { runAt: 5 })
  assert.equal(job.state, 'waiting')
  assert.equal(await job.finished(), 1)
})

test('a key is taken while its job waits, runs or is retained, of one task', async (t) => {
  const queue = await openQueue(t)
  const gate = join(await temporaryDirectory(t), 'gate')
  queue.pause()
  const first = await queue.enqueue('gate', gate, { key: 'k' })
  assert.equal((await queue.enqueue('gate', 'other', { key: 'k' })).id, first.id)
  const other = await queue.enqueue('echo', 1, { key: 'k' })
  assert.notEqual(other.id, first.id)
  const running = begun(queue, 1)
  queue.resume()
  await running
  const again = await queue.enqueue('gate', gate, { key: 'k' })
  assert.deepEqual([again.id, again.state], [first.id, 'running'])
  await writeFile(gate, '')
  await first.finished()
  const retained = await queue.enqueue('gate', gate, { key: 'k' })
  assert.deepEqual(
    [retained.id, retained.state, retained.output],
    [first.id, 'completed', 'through the gate'],
  )
  assert.equal(await retained.finished(), 'through the gate')
  await queue.remove(first.id)
  assert.notEqual((await queue.enqueue('gate', gate, { key: 'k' })).id, first.id)
})

test('jobs that are enqueued with one key at the same moment are one job', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const single = await Promise.all(
    Array.from({ length: 20 }, (_, index) => queue.enqueue('echo', index, { key: 'one' })),
  )
  assert.equal(new Set(single.map(({ id }) => id)).size, 1)
  const many = await queue.enqueueMany('echo', ['a', 'b', 'a', 'c', 'b'], (input) => ({
    key: input as string,
  }))
  assert.deepEqual(
    many.map(({ input }) => input),
    ['a', 'b', 'a', 'c', 'b'],
  )
  assert.equal(new Set(many.map(({ id }) => id)).size, 3)
  assert.equal(queue.counts().waiting, 4)
})

test('a key is free again when its job is not retained', async (t) => {
  const queue = await openQueue(t, { keep: { completed: { count: 0 } } })
  const first = await queue.enqueue('echo', 1, { key: 'k' })
  await first.finished()
  const second = await queue.enqueue('echo', 2, { key: 'k' })
  assert.notEqual(second.id, first.id)
  assert.equal(await second.finished(), 2)
})

test('idle is said and awaited when nothing runs, waits or is delayed', async (t) => {
  const queue = await openQueue(t)
  await queue.idle()
  let told = 0
  queue.on('idle', () => told++)
  const finished: string[] = []
  queue.on('finished', ({ id }) => finished.push(id))
  await queue.enqueueMany('failUntil', [1, 2, 3])
  await queue.idle()
  assert.deepEqual([finished.length, told], [3, 1])
  const [updated] = await Promise.all([once(queue, 'updated'), queue.enqueue('echo', 1)])
  assert.equal(typeof updated[0].waiting, 'number')
  await queue.idle()
  assert.equal(told, 2)
})

test('idle() waits for a keyed job that is still being looked up', async (t) => {
  const queue = await openQueue(t)
  const completed: number[] = []
  queue.on('idle', () => completed.push(queue.counts().completed))
  const enqueued = queue.enqueue('echo', 1, { key: 'k' })
  // Makes the scheduler look for jobs before the key has been looked up.
  queue.setMaxWorkers(1)
  await queue.idle()
  assert.equal(queue.counts().completed, 1)
  assert.deepEqual(completed, [1])
  await enqueued
  // One that exists already adds nothing to wait for.
  const again = queue.enqueue('echo', 1, { key: 'k' })
  await queue.idle()
  await again
  assert.equal(queue.counts().completed, 1)
})
