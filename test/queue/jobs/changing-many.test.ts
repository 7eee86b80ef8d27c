/** Changes of all jobs that match: `cancelAll`, `retryAll`, `removeAll`. Who waits for a job, or follows it, is told as of single changes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { openQueue } from '../../support/queue.js'

const NUMBERS = Array.from({ length: 1500 }, (_, index) => index)

/** The types of a job's events, until they end or fail. */
async function eventsOf(job: Job): Promise<string[]> {
  const types: string[] = []
  try {
    for await (const { type } of job.events()) types.push(type)
  } catch (error) {
    types.push((error as { code: string }).code)
  }
  return types
}

test('cancelAll cancels what waits, is delayed or runs, of one task', async (t) => {
  const queue = await openQueue(t)
  const running = await queue.enqueue('block')
  await once(queue, 'started')
  queue.setMaxWorkers(0)
  const delayed = await queue.enqueue('block', undefined, { delay: '1h' })
  const waiting = await queue.enqueueMany('block', new Array(1500).fill(undefined))
  const other = await queue.enqueue('echo', 'other')
  const all = [running, delayed, ...waiting]
  const outcomes = Promise.all(
    all.map((job) => assert.rejects(job.finished(), { code: 'MILLRACE_JOB_CANCELLED' })),
  )
  const followed = [eventsOf(delayed), eventsOf(waiting[3] as Job)]
  const told: Job[] = []
  queue.on('cancelled', (job) => told.push(job))
  assert.equal(await queue.cancelAll({ task: 'block' }), 1502)
  await outcomes
  assert.deepEqual(await Promise.all(followed), [['cancelled'], ['cancelled']])
  assert.deepEqual(told.map(({ id }) => id).sort(), all.map(({ id }) => id).sort())
  assert.ok(told.every(({ state, finishedAt }) => state === 'cancelled' && finishedAt))
  assert.deepEqual(
    [queue.counts('block').cancelled, queue.counts().waiting, queue.counts().running, queue.counts().delayed],
    [1502, 1, 0, 0],
  )
  queue.setMaxWorkers(1)
  assert.equal(await other.finished(), 'other')
})

test('cancelAll of some states leaves the others', async (t) => {
  const queue = await openQueue(t)
  const running = await queue.enqueue('block')
  await once(queue, 'started')
  queue.setMaxWorkers(0)
  assert.equal(await queue.cancelAll({ task: 'echo' }), 0)
  await queue.enqueueMany('echo', [1, 2, 3])
  await queue.enqueue('echo', 4, { delay: '1h' })
  assert.equal(await queue.cancelAll({ state: 'delayed' }), 1)
  assert.equal(await queue.cancelAll({ state: ['running'] }), 1)
  await assert.rejects(running.finished(), { code: 'MILLRACE_JOB_CANCELLED' })
  assert.deepEqual([queue.counts().waiting, queue.counts().cancelled], [3, 2])
  assert.equal(await queue.cancelAll(), 3)
  assert.equal(await queue.cancelAll(), 0)
})

test('retryAll retries failed jobs, with as many attempts again', async (t) => {
  const queue = await openQueue(t)
  const failing = await queue.enqueueMany('failUntil', new Array(1200).fill(3), { attempts: 2 })
  const other = await queue.enqueue('throwUnrecoverable')
  await Promise.all([...failing, other].map((job) => assert.rejects(job.finished())))
  assert.equal(await queue.retryAll({ task: 'failUntil' }), 1200)
  assert.deepEqual([...new Set(await Promise.all(failing.map((job) => job.finished())))], [3])
  const { attempt, attempts } = (await queue.job(failing[0]?.id ?? '')) ?? {}
  assert.deepEqual([attempt, attempts, queue.counts().failed], [3, 4, 1])
})

test('each retryAll grants the attempts that the job had at first, and is told as an update', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('failUntil', 9, { attempts: 2 })
  for (const attempts of [2, 4, 6]) {
    await assert.rejects(job.finished())
    assert.equal((await queue.job(job.id))?.attempts, attempts)
    queue.pause()
    const [updated, count] = [once(queue, 'updated'), await queue.retryAll()]
    assert.deepEqual([count, (await updated)[0].waiting], [1, 1])
    queue.resume()
  }
})

test('retryAll takes cancelled and delayed jobs only where it is told so', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const [cancelled, delayed] = [
    await queue.enqueue('echo', 1),
    await queue.enqueue('echo', 2, { delay: '1h' }),
  ]
  await cancelled.cancel()
  assert.equal(await queue.retryAll(), 0)
  assert.equal(await queue.retryAll({ state: ['cancelled', 'delayed'] }), 2)
  queue.setMaxWorkers(1)
  assert.deepEqual([await cancelled.finished(), await delayed.finished()], [1, 2])
})

test('removeAll deletes what does not run, tells who waits, and frees the keys', async (t) => {
  const queue = await openQueue(t)
  const running = await queue.enqueue('block')
  await once(queue, 'started')
  queue.setMaxWorkers(0)
  const waiting = await queue.enqueueMany('echo', NUMBERS, { key: (input) => `${input}` })
  const gone = Promise.all(waiting.map((job) => assert.rejects(job.finished(), { code: 'MILLRACE_NO_JOB' })))
  const followed = eventsOf(waiting[7] as Job)
  assert.equal(await queue.removeAll(), 1500)
  await gone
  assert.deepEqual(await followed, ['MILLRACE_NO_JOB'])
  assert.deepEqual([queue.counts().running, queue.counts().waiting], [1, 0])
  assert.notEqual((await queue.enqueue('echo', 0, { key: '0' })).id, waiting[0]?.id)
  await running.cancel()
  assert.equal(await queue.removeAll({ state: 'cancelled' }), 1)
  assert.deepEqual(
    (await queue.jobs()).map(({ state }) => state),
    ['waiting'],
  )
})

for (const verb of ['cancelAll', 'removeAll'] as const) {
  test(`${verb} makes room in a full backlog`, async (t) => {
    const queue = await openQueue(t, { maxWorkers: 0, maxBacklog: 2 })
    await queue.enqueueMany('add', [
      { a: 1, b: 1 },
      { a: 1, b: 1 },
    ])
    const entering = queue.enqueueMany('echo', [1, 2])
    assert.equal(await queue[verb]({ task: 'add' }), 2)
    assert.deepEqual(
      (await entering).map(({ input }) => input),
      [1, 2],
    )
  })

  test(`${verb} of the last jobs makes the queue idle`, async (t) => {
    const queue = await openQueue(t, { maxWorkers: 0 })
    await queue.enqueueMany('echo', [1, 2])
    await queue.enqueue('echo', 3, { delay: '1h' })
    const quiet = Promise.all([queue.idle(), queue.drain(), once(queue, 'idle'), once(queue, 'updated')])
    assert.equal(await queue[verb](), 3)
    await quiet
  })
}

test('a queue that closes meanwhile ends a change of many jobs with a ClosedError', async (t) => {
  for (const verb of ['cancelAll', 'removeAll', 'retryAll'] as const) {
    const queue = await openQueue(t, { maxWorkers: 0 })
    await queue.enqueueMany('echo', NUMBERS)
    if (verb === 'retryAll') await queue.cancelAll()
    const changing = verb === 'retryAll' ? queue.retryAll({ state: 'cancelled' }) : queue[verb]()
    const refused = assert.rejects(changing, { code: 'MILLRACE_CLOSED' })
    await queue.close()
    await refused
    await assert.rejects(queue[verb](), { code: 'MILLRACE_CLOSED' })
  }
})

test('states that a method does not change, unknown options and unknown tasks are refused', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  await queue.enqueue('echo', 1)
  const wrong = { code: 'MILLRACE_OPTION' }
  await assert.rejects(
    queue.cancelAll({ state: 'failed' as 'waiting' }),
    /state must be one of delayed, waiting, running/,
  )
  await assert.rejects(queue.retryAll({ state: ['failed', 'completed' as 'failed'] }), wrong)
  await assert.rejects(queue.removeAll({ state: 'running' as 'waiting' }), wrong)
  await assert.rejects(queue.removeAll({ tasks: 'echo' } as object), /removeAll\(\) has no option "tasks"/)
  await assert.rejects(queue.cancelAll(null as unknown as object), wrong)
  await assert.rejects(queue.cancelAll({ task: 'none' as 'echo' }), { code: 'MILLRACE_UNKNOWN_TASK' })
  assert.deepEqual([await queue.removeAll({ task: 'add' }), await queue.removeAll({ state: [] })], [0, 0])
  assert.equal(queue.counts().waiting, 1)
})
