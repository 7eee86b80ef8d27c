import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { JobFailedError, type MapOptions } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

async function collect<T>(outcomes: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const outcome of outcomes) all.push(outcome)
  return all
}

test('outcomes come with their input and index, in the order in which the jobs finish', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const finished: unknown[] = []
  queue.on('completed', ({ output }) => finished.push(output))
  const outcomes = await collect(queue.map('echo', ['a', 'b', 'c']))
  assert.deepEqual(outcomes, [
    { index: 0, input: 'a', output: 'a' },
    { index: 1, input: 'b', output: 'b' },
    { index: 2, input: 'c', output: 'c' },
  ])
  assert.deepEqual(finished, ['a', 'b', 'c'])
})

test('no inputs give no outcomes', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  assert.deepEqual(await collect(queue.map('echo', [])), [])
  assert.deepEqual(await collect(queue.map('echo', (async function* () {})())), [])
})

test('inputs may come from any iterable, endless ones too, and are read no further than the buffer', async (t) => {
  const queue = await openQueue(t)
  let read = 0
  let isClosed = false
  async function* numbers() {
    try {
      for (;;) yield read++
    } finally {
      isClosed = true
    }
  }
  let received = 0
  for await (const { output, index } of queue.map('echo', numbers(), { buffer: 3 })) {
    assert.equal(output, index)
    received++
    // Those in the queue, and one read ahead.
    assert.ok(read <= received + 3 + 1, `${read} were read, ${received} received`)
    if (received === 10) break
  }
  await queue.idle()
  assert.ok(read <= 14)
  assert.ok(isClosed)
  const { completed, waiting, running } = queue.counts()
  assert.deepEqual([waiting, running], [0, 0])
  assert.ok(completed <= 13)
  const set = await collect(queue.map('echo', new Set([1, 2])))
  assert.deepEqual(set.map(({ output }) => output).sort(), [1, 2])
})

test('a loop that ends early leaves the jobs that are in the queue to run', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  let read = 0
  function* numbers() {
    for (;;) yield ++read
  }
  for await (const { output } of queue.map('echo', numbers(), { buffer: 2 })) {
    assert.equal(output, 1)
    break
  }
  await queue.idle()
  const { completed, waiting, running } = queue.counts()
  assert.deepEqual([waiting, running], [0, 0])
  // The last one that was read may not have been enqueued.
  assert.ok(completed === read || completed === read - 1, `${completed} completed, ${read} read`)
  assert.ok(completed <= 3)
})

test('a job that fails gives an error and does not end the loop', async (t) => {
  const queue = await openQueue(t)
  const outcomes = await collect(queue.map('failUntil', [1, 9, 1], { attempts: 1 }))
  const byIndex = outcomes.sort((a, b) => a.index - b.index)
  assert.deepEqual(
    byIndex.map(({ output }) => output),
    [1, undefined, 1],
  )
  assert.ok(byIndex[1]?.error instanceof JobFailedError)
})

test('options hold for every job', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const outcomes = collect(queue.map('where', [undefined, undefined], { priority: 7, meta: { from: 'map' } }))
  while (queue.counts().waiting < 2) await once(queue, 'updated')
  for (const { priority, meta } of await queue.jobs())
    assert.deepEqual([priority, meta], [7, { from: 'map' }])
  queue.setMaxWorkers(1)
  for (const { output } of await outcomes)
    assert.deepEqual((output as { meta: unknown }).meta, { from: 'map' })
})

test('an input that cannot be carried ends the loop with its error', async (t) => {
  const queue = await openQueue(t)
  const inputs: unknown[] = [1, { onDone: () => {} }, 3]
  await assert.rejects(collect(queue.map('echo', inputs)), {
    code: 'MILLRACE_VALUE',
    message: /^inputs\[1\]\.onDone is a function/,
  })
})

test('what the inputs throw ends the loop, and so does a closed queue', async (t) => {
  const queue = await openQueue(t)
  function* broken() {
    yield 1
    throw new RangeError('no more inputs')
  }
  await assert.rejects(collect(queue.map('echo', broken())), /^RangeError: no more inputs$/)
  await queue.close()
  assert.throws(() => queue.map('echo', [1]), { code: 'MILLRACE_CLOSED' })
})

test('closing the queue gives the jobs that have not run an error each', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const outcomes = collect(queue.map('echo', [1, 2]))
  while (queue.counts().waiting < 2) await once(queue, 'updated')
  await queue.close()
  const codes = (await outcomes).map(({ error }) => (error as { code?: string } | undefined)?.code)
  assert.deepEqual(codes, ['MILLRACE_CLOSED', 'MILLRACE_CLOSED'])
})

test('an option out of range is refused at once', async (t) => {
  const queue = await openQueue(t)
  assert.throws(() => queue.map('echo', [], { buffer: 0 }), {
    code: 'MILLRACE_OPTION',
    message: 'buffer must be an integer from 1 to 1000000, got 0',
  })
  assert.throws(() => queue.map('echo', [1], { priority: 99_999 }), { code: 'MILLRACE_OPTION' })
})

test('the outcomes of the jobs in the queue are given before what the inputs throw', async (t) => {
  const queue = await openQueue(t)
  const fails: ((inputs: unknown[]) => Iterable<unknown>)[] = [
    function* (inputs) {
      yield* inputs
      throw new RangeError('no more inputs')
    },
    (inputs) => [...inputs, () => {}, 'never read'],
  ]
  for (const [index, fail] of fails.entries()) {
    const outputs: unknown[] = []
    const looping = (async () => {
      for await (const { output } of queue.map('echo', fail([1, 2, 3]))) outputs.push(output)
    })()
    await assert.rejects(looping, index === 0 ? /no more inputs/ : { code: 'MILLRACE_VALUE' })
    assert.deepEqual(outputs.sort(), [1, 2, 3])
  }
  assert.equal(queue.counts().completed, 6)
})

test('with keys, inputs whose jobs are stored give their outcomes, and no job runs twice', async (t) => {
  const directory = await temporaryDirectory(t)
  const options: MapOptions<number> = { key: (input, index) => `${index}: ${input}`, attempts: 1 }
  const first = await openQueue(t, { directory })
  for await (const { index } of first.map('failUntil', [1, 9, 1, 1], { ...options, buffer: 2 }))
    if (index === 1) break
  await first.close()
  const again = await openQueue(t, { directory })
  let started = 0
  again.on('started', () => {
    started++
  })
  const done = again.counts().completed + again.counts().failed
  const outcomes = await collect(again.map('failUntil', [1, 9, 1, 1], options))
  assert.deepEqual(
    outcomes.sort((a, b) => a.index - b.index).map(({ output, error }) => output ?? error?.name),
    [1, 'JobFailedError', 1, 1],
  )
  // The first job may have been returned to the backlog.
  assert.ok(done >= 1)
  assert.equal(started, 4 - done)
})

test('inputs with equal keys give the outcome of one job', async (t) => {
  const queue = await openQueue(t)
  const outcomes = await collect(queue.map('echo', ['a', 'b', 'a'], { key: (input) => String(input) }))
  assert.deepEqual(
    outcomes.sort((a, b) => a.index - b.index),
    [
      { index: 0, input: 'a', output: 'a' },
      { index: 1, input: 'b', output: 'b' },
      { index: 2, input: 'a', output: 'a' },
    ],
  )
  assert.equal(queue.counts().completed, 2)
})

test('with cancelOnBreak, who leaves the loop cancels the jobs that have not finished', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const inputs = ['short', 'long', 'long']
  queue.pause('block')
  for await (const { output } of queue.map('echo', inputs, { cancelOnBreak: true })) {
    assert.equal(output, 'short')
    queue.pause()
    break
  }
  // Nothing starts while the queue is paused: it is idle only if what waited is cancelled. What had just ended may still be written.
  await queue.idle()
  queue.resume()
  const blocked = queue.map('block', [undefined, undefined], { cancelOnBreak: true })
  queue.resume('block')
  const next = blocked.next()
  await once(queue, 'log')
  const [job] = await queue.jobs({ state: 'running' })
  await job?.cancel()
  assert.equal((await next).value?.error?.name, 'JobCancelledError')
  await blocked.return()
  assert.deepEqual([queue.counts('block').cancelled, queue.counts('block').running], [2, 0])
})

test('the options of map are checked at the call', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  for (const options of [
    { buffer: 1.5 },
    { key: 'same' },
    { cancelOnBreak: 1 },
    { delay: 'soon' },
    { bufer: 1 },
  ])
    assert.throws(() => queue.map('echo', [1], options as MapOptions), { code: 'MILLRACE_OPTION' })
})
