import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

test('jobs are listed by state and task, page by page, in the order of their ids', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const echoes = await queue.enqueueMany(
    'echo',
    Array.from({ length: 25 }, (_, index) => index),
  )
  const delayed = await queue.enqueue('echo', 'later', { delay: 60_000 })
  const adds = await queue.enqueueMany('add', new Array(5).fill({ a: 1, b: 1 }))
  const ids: string[] = []
  for (let page = await queue.jobs({ limit: 10 }); page.length > 0; ) {
    ids.push(...page.map(({ id }) => id))
    const last = ids.at(-1)
    page = last ? await queue.jobs({ limit: 10, after: last }) : []
  }
  assert.deepEqual(ids, [...echoes, delayed, ...adds].map(({ id }) => id).sort())
  assert.equal((await queue.jobs({ task: 'add' })).length, 5)
  assert.deepEqual(
    (await queue.jobs({ state: 'delayed' })).map(({ input }) => input),
    ['later'],
  )
  assert.equal((await queue.jobs({ state: ['waiting', 'running'], task: 'echo', limit: 1000 })).length, 25)
  assert.deepEqual(await queue.jobs({ state: 'completed' }), [])
})

test('the input of a completed job can be read after a restart, unless it is large or is not to be kept', async (t) => {
  const large = 'x'.repeat(20_000)
  for (const [input, kept] of [
    [undefined, ['small', undefined]],
    [true, ['small', large]],
    [4, [undefined, undefined]],
    [false, [undefined, undefined]],
  ] as const) {
    const directory = await temporaryDirectory(t)
    const queue = await openQueue(t, { directory, keep: { completed: input === undefined ? {} : { input } } })
    const jobs = await queue.enqueueMany('echo', ['small', large])
    await Promise.all(jobs.map((job) => job.finished()))
    await queue.close()
    const again = await openQueue(t, { directory })
    const stored = await again.jobs({ state: 'completed' })
    assert.deepEqual(
      stored.map((job) => job.input),
      kept,
    )
    assert.deepEqual(
      stored.map(({ output }) => output),
      ['small', large],
    )
  }
})

test('counts are exact by state and task, through a restart too', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  await Promise.all((await queue.enqueueMany('echo', [1, 2, 3])).map((job) => job.finished()))
  await assert.rejects((await queue.enqueue('throwUnrecoverable')).finished())
  queue.pause()
  await queue.enqueueMany('add', new Array(4).fill({ a: 1, b: 1 }))
  await queue.enqueue('add', { a: 1, b: 1 }, { delay: 60_000 })
  const expected = { waiting: 4, delayed: 1, running: 0, completed: 3, failed: 1, cancelled: 0 }
  assert.deepEqual(queue.counts(), expected)
  await queue.close()
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual(again.counts(), expected)
  assert.deepEqual(again.counts('echo'), { ...expected, waiting: 0, delayed: 0, failed: 0 })
  assert.deepEqual(again.recovered, { returned: 0, failed: 0, waiting: 5 })
})

test('results and failures can be read after a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  const good = await queue.enqueue('echo', { answer: 42n }, { meta: 'mine', key: 'good', priority: 3 })
  const bad = await queue.enqueue('failUntil', 5, { attempts: 2 })
  await good.finished()
  await assert.rejects(bad.finished())
  await queue.close()
  const again = await openQueue(t, { directory })
  const [completed, failed] = [await again.job(good.id), await again.job(bad.id)]
  assert.deepEqual(
    [
      completed?.state,
      completed?.output,
      completed?.meta,
      completed?.key,
      completed?.priority,
      completed?.attempt,
    ],
    ['completed', { answer: 42n }, 'mine', 'good', 3, 1],
  )
  assert.ok(completed?.startedAt && completed.finishedAt && completed.enqueuedAt <= completed.finishedAt)
  assert.deepEqual(await completed?.finished(), { answer: 42n })
  assert.deepEqual([failed?.state, failed?.attempts, failed?.failures.length], ['failed', 2, 2])
  await assert.rejects(
    again.job(bad.id).then((job) => job?.finished()),
    { code: 'MILLRACE_JOB_FAILED' },
  )
})

test('retry sends a failed job back with as many attempts again', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('failUntil', 4, { attempts: 2 })
  await assert.rejects(job.finished())
  await queue.retry(job.id)
  assert.equal(await job.finished(), 4)
  const stored = await queue.job(job.id)
  assert.deepEqual([stored?.state, stored?.attempt, stored?.attempts], ['completed', 4, 4])
  assert.deepEqual([queue.counts().failed, queue.counts().completed], [0, 1])
  await assert.rejects(queue.retry(job.id), { code: 'MILLRACE_JOB_STATE' })
})

test('retry of a waiting job is refused and leaves it where it is', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const jobs = await queue.enqueueMany('echo', [1, 2, 3])
  for (const { id } of jobs) await assert.rejects(queue.retry(id), { code: 'MILLRACE_JOB_STATE' })
  queue.setMaxWorkers(1)
  assert.deepEqual(await Promise.all(jobs.map((job) => job.finished())), [1, 2, 3])
})

test('remove deletes jobs in any state but running', async (t) => {
  const queue = await openQueue(t)
  const done = await queue.enqueue('echo', 1)
  await done.finished()
  const [running] = [await queue.enqueue('block'), await new Promise((resolve) => queue.once('log', resolve))]
  await assert.rejects(queue.remove(running.id), { code: 'MILLRACE_JOB_STATE' })
  queue.setMaxWorkers(0)
  const waiting = await queue.enqueue('echo', 2)
  const delayed = await queue.enqueue('echo', 3, { delay: 60_000 })
  const gone = assert.rejects(waiting.finished(), { code: 'MILLRACE_NO_JOB' })
  await Promise.all([done, waiting, delayed].map((job) => job.remove()))
  await gone
  assert.deepEqual(queue.counts(), {
    waiting: 0,
    delayed: 0,
    running: 1,
    completed: 0,
    failed: 0,
    cancelled: 0,
  })
  await assert.rejects(queue.remove(done.id), { code: 'MILLRACE_NO_JOB' })
  await running.cancel()
  await queue.idle()
})

test('finished jobs are kept up to a count, the newest', async (t) => {
  const queue = await openQueue(t, {
    maxWorkers: 1,
    keep: { completed: { count: 10 }, failed: { count: 2 } },
  })
  const jobs = await queue.enqueueMany(
    'echo',
    Array.from({ length: 35 }, (_, index) => index),
  )
  await Promise.all(jobs.map((job) => job.finished()))
  for (let failed = 0; failed < 4; failed++)
    await assert.rejects((await queue.enqueue('throwUnrecoverable')).finished())
  while (queue.counts().completed > 10 || queue.counts().failed > 2)
    await new Promise((resolve) => setImmediate(resolve))
  const kept = await queue.jobs({ state: 'completed' })
  assert.deepEqual(
    kept.map(({ output }) => output),
    Array.from({ length: 10 }, (_, index) => 25 + index),
  )
  assert.deepEqual([queue.counts().completed, queue.counts().failed], [10, 2])
})

test('finished jobs are kept up to an age', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  await (await queue.enqueue('echo', 1, { key: 'old' })).finished()
  await queue.close()
  await new Promise((resolve) => setTimeout(resolve, 30))
  const again = await openQueue(t, { directory, keep: { completed: { age: 10 } } })
  while ((await again.jobs()).length > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(again.counts().completed, 0)
  // Its key went with it.
  assert.equal((await again.enqueue('echo', 2, { key: 'old' })).input, 2)
})

test('clean deletes finished jobs by state, task, age and number', async (t) => {
  const queue = await openQueue(t)
  await Promise.all((await queue.enqueueMany('echo', [1, 2, 3, 4])).map((job) => job.finished()))
  await Promise.all(
    (await queue.enqueueMany('add', new Array(3).fill({ a: 1, b: 1 }))).map((job) => job.finished()),
  )
  assert.equal(await queue.clean({ olderThan: 60_000 }), 0)
  assert.equal(await queue.clean({ task: 'add', limit: 2 }), 2)
  assert.equal(await queue.clean({ task: 'add' }), 1)
  assert.equal(await queue.clean({ state: 'failed' }), 0)
  assert.equal(await queue.clean(), 4)
  assert.deepEqual([queue.counts().completed, await queue.jobs()], [0, []])
})

test('unknown options of jobs, clean and close are refused: a misspelt bound must not be no bound', async (t) => {
  const queue = await openQueue(t)
  await (await queue.enqueue('echo', 1)).finished()
  await assert.rejects(queue.clean({ olderthan: 5 } as object), /clean\(\) has no option "olderthan"/)
  await assert.rejects(queue.jobs({ states: ['failed'] } as object), { code: 'MILLRACE_OPTION' })
  await assert.rejects(queue.close({ timeOut: 5 } as object), { code: 'MILLRACE_OPTION' })
  assert.equal(queue.counts().completed, 1)
})
