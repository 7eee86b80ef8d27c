import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JobQueue } from '../../../src/index.js'
import { openQueue } from '../../support/queue.js'

test('enqueueMany and map refuse what gives no inputs one by one', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  for (const inputs of [
    5,
    { a: 1 },
    'abc',
    new String('abc'),
    Buffer.from('abc'),
    null,
    undefined,
    { length: 2 },
    () => {},
  ]) {
    const refused = {
      code: 'MILLRACE_OPTION',
      message: /must be an array or another iterable, got .*: for one job, use enqueue\(\)/,
    }
    await assert.rejects(queue.enqueueMany('echo', inputs as Iterable<unknown>), refused)
    assert.throws(() => queue.map('echo', inputs as Iterable<unknown>), refused)
  }
  await assert.rejects(queue.enqueueMany('echo', (async function* () {})() as unknown as unknown[]), {
    code: 'MILLRACE_OPTION',
  })
  assert.equal(queue.counts().waiting, 0)
  for (const inputs of [new Set([1, 2]), [3, 4].values(), new Uint8Array(2)])
    await queue.enqueueMany('echo', inputs)
  assert.equal(queue.counts().waiting, 6)
})

test('several inputs cannot share one key; each gets its own from a function', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  await assert.rejects(queue.enqueueMany('echo', [1, 2, 3], { key: 'same' }), {
    code: 'MILLRACE_OPTION',
    message: '3 inputs cannot share the key "same": give a key for each, { key: (input, index) => … }',
  })
  assert.equal(queue.counts().waiting, 0)
  const one = await queue.enqueueMany('echo', [1], { key: 'one' })
  const many = await queue.enqueueMany('echo', ['a', 'b'], {
    key: (input, index) => `${input}${index}`,
    priority: 3,
  })
  assert.deepEqual(
    [...one, ...many].map(({ key, priority }) => [key, priority]),
    [
      ['one', 0],
      ['a0', 3],
      ['b1', 3],
    ],
  )
  await assert.rejects(queue.enqueueMany('echo', [1, 2], { key: () => '' }), { code: 'MILLRACE_OPTION' })
})

test('an input that cannot be carried is named by its index', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, maxJobBytes: 100 })
  await assert.rejects(queue.enqueueMany('echo', [1, () => {}]), {
    code: 'MILLRACE_VALUE',
    message: /^inputs\[1\] is a function/,
  })
  await assert.rejects(queue.enqueueMany('echo', [1, 2, { a: [Symbol('s')] }]), { path: 'inputs[2].a[0]' })
  await assert.rejects(queue.enqueueMany('echo', ['x'.repeat(200)]), {
    message: /^inputs\[0\] is larger than/,
  })
  await assert.rejects(queue.enqueueMany('echo', [1], { meta: () => {} }), { message: /^meta is a function/ })
  assert.equal(queue.counts().waiting, 0)
})

test('what is no id finds no job, and errors show no more than a part of what was given', async (t) => {
  const queue = await openQueue(t)
  for (const id of ['zzz', '', 'x'.repeat(1e6), undefined, 5])
    assert.equal(await queue.job(id as string), undefined)
  const long = 'x'.repeat(1e6)
  const calls = [
    () => queue.cancel(long),
    () => queue.retry(long),
    () => queue.remove(long),
    () => queue.jobs({ after: long }),
    () => queue.jobs({ state: long as 'failed' }),
    () => queue.jobs({ [long]: 1 }),
    () => queue.enqueue(long as 'echo', 1),
    () => queue.enqueue('echo', 1, { [long]: 1 }),
    () => queue.enqueue('echo', 1, { delay: long as '5s' }),
    () => queue.enqueueMany('echo', long),
    () => queue.enqueueMany('echo', [1, 2], { key: long }),
  ]
  for (const call of calls)
    await assert.rejects(call, (error: Error) => error.message.length < 1000 && 'code' in error)
})

test('a queue that is made with `new` says how one is opened', () => {
  const Constructor = JobQueue as unknown as new (directory: string) => JobQueue
  assert.throws(() => new Constructor('./q'), {
    code: 'MILLRACE_OPTION',
    message: /await JobQueue\.open\(directory, options\)/,
  })
})
