/** What one sees of a job: its members print, spread, clone, compare and become JSON as plain data does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Job, JobFailedError } from '../../../src/index.js'
import { openQueue } from '../../support/queue.js'

const MEMBERS = [
  'id',
  'task',
  'state',
  'priority',
  'key',
  'attempt',
  'attempts',
  'backoff',
  'failures',
  'failureCount',
  'enqueuedAt',
  'runAt',
  'startedAt',
  'finishedAt',
  'output',
  'meta',
  'progress',
  'log',
  'input',
]

test('a job has every member of its own, whichever way it was come by', async (t) => {
  const queue = await openQueue(t)
  const seen: object[] = []
  queue.on('started', (job) => seen.push(job))
  queue.on('completed', (job) => seen.push(job))
  const enqueued = await queue.enqueue('echo', { a: [1, 2] }, { meta: { user: 7 }, priority: -3 })
  await enqueued.finished()
  const [many] = await queue.enqueueMany('echo', ['text'])
  await many?.finished()
  const stored = await queue.job(enqueued.id)
  for (const job of [enqueued, many, stored, ...(await queue.jobs()), ...seen])
    assert.deepEqual(Object.keys(job ?? {}), MEMBERS)
  assert.deepEqual({ ...enqueued }.input, { a: [1, 2] })
  const { output, meta } = { ...(stored as Job) }
  assert.deepEqual({ output, meta }, { output: { a: [1, 2] }, meta: { user: 7 } })
})

test('a job clones as plain data', async (t) => {
  const queue = await openQueue(t)
  const { id } = await queue.enqueue('echo', new Map([[1, new Date(5)]]))
  await queue.idle()
  const job = await queue.job(id)
  assert.deepEqual(structuredClone(job), { ...job })
  assert.deepEqual(structuredClone(job)?.output, new Map([[1, new Date(5)]]))
})

test('jobs are equal only if all that is known of them is', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const first = await queue.enqueue('echo', { a: 1 })
  const second = await queue.enqueue('echo', { a: 2 })
  assert.notDeepEqual(first, second)
  assert.deepEqual(first, await queue.job(first.id))
  await queue.cancel(first.id)
  assert.notDeepEqual(first, await queue.job(first.id))
})

test('inputs of every kind are the same in a handle and in what is looked up', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  for (const input of [
    undefined,
    null,
    0,
    -0,
    7,
    2.5,
    'text',
    '',
    true,
    12n,
    [1],
    { a: undefined },
    new Set([1]),
  ]) {
    const job = await queue.enqueue('echo', input)
    assert.deepEqual(job.input, input)
    assert.deepEqual(job, await queue.job(job.id))
  }
})

test('the input of a handle is what was enqueued, whatever becomes of the object', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const input = { count: 1 }
  const job = await queue.enqueue('echo', input)
  input.count = 2
  assert.deepEqual(job.input, { count: 1 })
  assert.equal(job.input, job.input)
})

test('JSON holds everything, and what it does not know as text, arrays and base64', async (t) => {
  const queue = await openQueue(t)
  const input = {
    big: 12n,
    map: new Map([['a', new Set([1])]]),
    bytes: Buffer.from('abc'),
    floats: Float32Array.of(1.5),
    regexp: /a+/g,
    error: new TypeError('no'),
    at: new Date(0),
    not: Number.NaN,
  }
  const { id } = await queue.enqueue('echo', input, { key: 'k', meta: { user: 7 } })
  await queue.idle()
  const { output, ...rest } = JSON.parse(JSON.stringify(await queue.job(id)))
  assert.deepEqual(output, {
    big: '12',
    map: [['a', [1]]],
    bytes: 'YWJj',
    floats: [1.5],
    regexp: '/a+/g',
    error: { name: 'TypeError', message: 'no' },
    at: '1970-01-01T00:00:00.000Z',
    not: null,
  })
  assert.deepEqual(
    [rest.id, rest.task, rest.state, rest.key, rest.meta],
    [id, 'echo', 'completed', 'k', { user: 7 }],
  )
  assert.match(rest.finishedAt, /^\d{4}-\d\d-\d\dT/)
})

test('a job prints on a few lines, and what is large is cut short', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const small = await queue.enqueue('echo', { a: 1 })
  const text = inspect(small)
  assert.match(text, /^Job \{/)
  for (const part of [small.id, "task: 'echo'", "state: 'waiting'", 'input: { a: 1 }', 'attempts: 3'])
    assert.ok(text.includes(part), `${part} in ${text}`)
  assert.doesNotMatch(text, /undefined|Getter|failure/)
  const long = await queue.enqueue('echo', { text: 'x'.repeat(10_000), list: Array(1000).fill(1) })
  assert.ok(inspect(long).length < 1500, inspect(long))
  const large = await queue.enqueue('echo', Buffer.alloc(2_500_000))
  assert.match(inspect(large), /input: <2\.5 MB>/)
  assert.equal(inspect([[[[small]]]], { depth: 2 }), '[ [ [ [Array] ] ] ]')
  assert.match(inspect({ job: small }, { depth: 0 }), /job: \[Job echo [0-9a-f]{24}\]/)
})

test('failures have Dates, in a job and in the error of finished()', async (t) => {
  const queue = await openQueue(t, { attempts: 2, backoff: 1 })
  const before = Date.now()
  const job = await queue.enqueue('throwValue', 'bad')
  const error = (await job.finished().catch((thrown) => thrown)) as JobFailedError
  const failures = (await queue.job(job.id))?.failures ?? []
  assert.deepEqual(
    failures.map(({ attempt }) => attempt),
    [1, 2],
  )
  for (const { at } of [...failures, ...error.failures]) {
    assert.ok(at instanceof Date)
    assert.ok(at.getTime() >= before && at.getTime() <= Date.now())
  }
})
