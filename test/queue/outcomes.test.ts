import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { type Job, JobFailedError } from '../../src/index.js'
import { openQueue } from '../support/queue.js'

test('a job runs in another thread and gives its output', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('add', { a: 2, b: 3 })
  assert.equal(await job.finished(), 5)
  const seen = (await (await queue.enqueue('where', undefined, { meta: { user: 7 } })).finished()) as Record<
    string,
    unknown
  >
  assert.equal(seen.task, 'where')
  assert.equal(seen.attempt, 1)
  assert.deepEqual(seen.meta, { user: 7 })
  assert.notEqual(seen.threadId, 0)
})

test('values arrive in the worker and come back as they left', async (t) => {
  const queue = await openQueue(t)
  const value = {
    date: new Date(5),
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1n, -0])]]),
    bytes: Buffer.from('bytes'),
    floats: new Float64Array([0.1, Number.NaN]),
    nothing: undefined,
    deep: [[[{ text: 'é\ud800' }]]],
  }
  assert.deepStrictEqual(await (await queue.enqueue('echo', value)).finished(), value)
})

test('many jobs, most of them travelling together, each get their own output', async (t) => {
  const queue = await openQueue(t)
  const jobs = await queue.enqueueMany(
    'echo',
    Array.from({ length: 5000 }, (_, index) => ({ index })),
  )
  const outputs = await Promise.all(jobs.map((job) => job.finished()))
  assert.deepEqual(
    outputs,
    Array.from({ length: 5000 }, (_, index) => ({ index })),
  )
  assert.equal(queue.counts().completed, 5000)
})

test('a failed attempt is tried again after its backoff, and the job remembers why', async (t) => {
  const queue = await openQueue(t)
  const retrying: Job[] = []
  queue.on('retrying', (job) => retrying.push(job))
  const job = await queue.enqueue('failUntil', 3, { attempts: 3, backoff: [1, 2] })
  assert.equal(await job.finished(), 3)
  assert.deepEqual(
    retrying.map(({ attempt, state }) => [attempt, state]),
    [
      [1, 'delayed'],
      [2, 'delayed'],
    ],
  )
  const failures = (await queue.job(job.id))?.failures ?? []
  assert.deepEqual(
    failures.map(({ attempt, name, message }) => [attempt, name, message]),
    [
      [1, 'RangeError', 'attempt 1 is too early'],
      [2, 'RangeError', 'attempt 2 is too early'],
    ],
  )
  assert.match(failures[0]?.stack ?? '', /failUntil/)
})

test('a job fails for good after its last attempt, and is kept with every attempt', async (t) => {
  const queue = await openQueue(t)
  const failed = once(queue, 'failed')
  const job = await queue.enqueue('failUntil', 9, { attempts: 2 })
  await assert.rejects(job.finished(), (error: JobFailedError) => {
    assert.ok(error instanceof JobFailedError)
    assert.equal(error.code, 'MILLRACE_JOB_FAILED')
    assert.equal(error.jobId, job.id)
    assert.equal(error.failures.length, 2)
    assert.match((error.cause as Error).stack ?? '', /failUntil/)
    return true
  })
  const [told] = (await failed) as [Job]
  assert.deepEqual([told.id, told.state, told.attempt, told.input], [job.id, 'failed', 2, 9])
  const stored = await queue.job(job.id)
  assert.deepEqual([stored?.state, stored?.failures.length, stored?.input], ['failed', 2, 9])
})

test('an UnrecoverableError skips the remaining attempts', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('throwUnrecoverable', undefined, { attempts: 5 })
  await assert.rejects(job.finished(), /there is no point in trying again/)
  assert.equal((await queue.job(job.id))?.attempt, 1)
})

test('whatever is thrown fails the attempt with a readable message', async (t) => {
  const queue = await openQueue(t)
  for (const [value, message] of [
    ['text', /thrown: text/],
    [undefined, /thrown: undefined/],
    [{ a: 1 }, /thrown: \{"a":1\}/],
  ] as const) {
    const job = await queue.enqueue('throwValue', value, { attempts: 1 })
    await assert.rejects(job.finished(), message)
  }
})

test('an output that cannot be carried fails the attempt and names the path', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('leak', undefined, { attempts: 1 })
  await assert.rejects(job.finished(), (error: JobFailedError) => {
    assert.match(error.message, /output\.items\[1\]\.onDone is a function/)
    assert.equal(error.failures[0]?.code, 'MILLRACE_VALUE')
    return true
  })
})

test('large inputs and outputs pass through', async (t) => {
  const queue = await openQueue(t)
  const input = new Uint8Array(5_000_000).fill(3)
  assert.deepEqual(await (await queue.enqueue('echo', input)).finished(), input)
  const output = (await (await queue.enqueue('give', 3_000_000)).finished()) as Uint8Array
  assert.equal(output.byteLength, 3_000_000)
  assert.equal(output[2_999_999], 7)
})

test('finished() may be called before, after and more than once', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('add', { a: 1, b: 1 })
  assert.deepEqual(await Promise.all([job.finished(), job.finished()]), [2, 2])
  await queue.idle()
  assert.equal(await job.finished(), 2)
  const again = await queue.job(job.id)
  assert.equal(await again?.finished(), 2)
})

test('finished() of a job that is not retained says so', async (t) => {
  const queue = await openQueue(t, { keep: { completed: { count: 0 } } })
  const job = await queue.enqueue('add', { a: 1, b: 1 })
  assert.equal(await job.finished(), 2)
  await assert.rejects(job.finished(), { code: 'MILLRACE_NO_JOB' })
  assert.equal(await queue.job(job.id), undefined)
})

test('progress and log reach the application in order, and the last progress always', async (t) => {
  const queue = await openQueue(t)
  const lines: string[] = []
  const values: unknown[] = []
  queue.on('log', (job, text) => lines.push(`${job.task} ${text}`))
  queue.on('progress', (_job, value) => values.push(value))
  await (await queue.enqueue('chat', 50)).finished()
  assert.deepEqual(
    lines,
    Array.from({ length: 50 }, (_, index) => `chat line ${index + 1}`),
  )
  assert.deepEqual(values.at(-1), { line: 50, of: 50 })
})

test('map gives every outcome, of failures too, and never queues more than its buffer', async (t) => {
  const queue = await openQueue(t)
  let most = 0
  queue.on('updated', ({ waiting, running }) => {
    most = Math.max(most, waiting + running)
  })
  const outputs = new Map<number, unknown>()
  const inputs = Array.from({ length: 200 }, (_, index) => (index === 7 ? 99 : 1))
  for await (const { index, output, error } of queue.map('failUntil', inputs, { attempts: 1, buffer: 10 }))
    outputs.set(index, error ? (error as JobFailedError).code : output)
  assert.equal(outputs.size, 200)
  assert.equal(outputs.get(7), 'MILLRACE_JOB_FAILED')
  assert.equal(outputs.get(8), 1)
  assert.ok(most <= 10, `${most} jobs were in the queue at once`)
})
