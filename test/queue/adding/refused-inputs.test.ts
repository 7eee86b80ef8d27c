import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JobQueue } from '../../../src/index.js'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { FIXTURE, openQueue } from '../../support/queue.js'
import { levelOptions } from '../../support/store.js'

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

test('a first job that is refused makes no lane for its task', async (t) => {
  const directory = await temporaryDirectory(t)
  const workers = () => FIXTURE
  const queue = await JobQueue.open(directory, { workers, maxWorkers: 0, maxJobBytes: 100 })
  const large = 'x'.repeat(200)
  const calls: [call: (task: string) => Promise<unknown>, code: string][] = [
    [(task) => queue.enqueue(task, () => {}), 'MILLRACE_VALUE'],
    [(task) => queue.enqueue(task, large), 'MILLRACE_TOO_LARGE'],
    [(task) => queue.enqueue(task, 1, { meta: large }), 'MILLRACE_TOO_LARGE'],
    [(task) => queue.enqueue(task, 1, { priority: 0.5 }), 'MILLRACE_OPTION'],
    [(task) => queue.enqueueMany(task, [1, () => {}]), 'MILLRACE_VALUE'],
    [(task) => queue.enqueueMany(task, [1, 2], { key: 'one for both' }), 'MILLRACE_OPTION'],
    [(task) => queue.enqueueMany(task, 'text'), 'MILLRACE_OPTION'],
    [(task) => queue.map(task, [large]).next(), 'MILLRACE_TOO_LARGE'],
  ]
  for (const [index, [call, code]] of calls.entries())
    await assert.rejects(call(`task ${index}`), { code }, `call ${index}`)
  assert.deepEqual(await queue.enqueueMany('none', []), [])
  await queue.enqueue('accepted', 1)
  await queue.close()
  const { store } = await LevelStore.open(directory, levelOptions({}))
  t.after(() => store.close())
  assert.deepEqual(store.tasks(), ['accepted'])
})
