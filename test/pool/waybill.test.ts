import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { OutcomeBuffer, readOutcomes } from '../../src/pool/waybill/outcome-buffer.js'
import {
  DONE,
  LISTENING,
  monotonicMs,
  type Packed,
  packJobs,
  RECALLED,
  SharedState,
  STARTED,
  unpackJobs,
  WAITING,
} from '../../src/pool/waybill/waybill.js'

const packed: fc.Arbitrary<Packed> = fc.record(
  {
    place: fc.record(
      {
        lane: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        priority: fc.integer({ min: -32_768, max: 32_767 }),
        seq: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      },
      { noNullPrototype: true },
    ),
    enqueuedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    attempt: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    attempts: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    kind: fc.nat(1000),
    key: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: undefined }),
    meta: fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined }),
    saved: fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined }),
    input: fc.uint8Array({ maxLength: 50 }),
  },
  { noNullPrototype: true },
)

/** Packs jobs as they are to arrive. */
function pack(jobs: readonly Packed[]): ArrayBuffer {
  const carried = jobs.map(({ key, meta, saved, input, attempts, ...rest }) => {
    const head = { ...(key && { key }), ...(meta && { meta }), ...(saved && { saved }) }
    const copyInput = (target: Uint8Array, at: number) => target.set(input, at)
    return { claimed: { ...rest, head, inputBytes: input.byteLength, copyInput }, attempts }
  })
  return packJobs(
    carried,
    Uint32Array.from(jobs, ({ kind }) => kind),
  )
}

test('jobs are unpacked as they were packed', () => {
  fc.assert(
    fc.property(fc.array(packed), (jobs) => {
      assert.deepEqual([...unpackJobs(pack(jobs), jobs.length)], jobs)
    }),
    { seed: 1 },
  )
})

test('packed jobs are a buffer of their own, of just their size', () => {
  const input = Buffer.from('pooled')
  const buffer = pack([
    {
      place: { lane: 0, priority: 0, seq: 1 },
      enqueuedAt: 1,
      attempt: 1,
      attempts: 1,
      kind: 0,
      key: undefined,
      meta: undefined,
      saved: undefined,
      input,
    },
  ])
  input.fill(0)
  const [job] = unpackJobs(buffer, 1)
  assert.equal(Buffer.from(job?.input ?? []).toString(), 'pooled')
  assert.equal(buffer.byteLength, 52 + 6)
})

test('outcomes are read as they were pushed, however large', () => {
  const outcome = fc.record(
    {
      index: fc.nat(100_000),
      isError: fc.boolean(),
      ranMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      bytes: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.constant(new Uint8Array(3000).fill(7))),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      const buffer = new OutcomeBuffer()
      let bytes = 0
      for (const { index, isError, ranMs, bytes: each } of outcomes) {
        buffer.push(index, isError, ranMs, each)
        bytes += 20 + each.byteLength
      }
      assert.deepEqual([buffer.count, buffer.bytes], [outcomes.length, bytes])
      assert.deepEqual(outcomesIn(buffer.take()), outcomes)
    }),
    { seed: 1 },
  )
})

test('taking outcomes starts anew, and what was taken can be transferred', () => {
  const buffer = new OutcomeBuffer()
  buffer.push(1, false, 0.5, Buffer.from('first'))
  const taken = buffer.take()
  const { outcomes } = structuredClone({ outcomes: taken }, { transfer: [taken.buffer] })
  assert.deepEqual([buffer.count, buffer.bytes, buffer.take().byteLength], [0, 0, 0])
  buffer.push(2, true, 1, Buffer.from('second'))
  const all = [...outcomesIn(outcomes), ...outcomesIn(buffer.take())]
  assert.deepEqual(
    all.map(({ index, isError, bytes }) => [index, isError, Buffer.from(bytes).toString()]),
    [
      [1, false, 'first'],
      [2, true, 'second'],
    ],
  )
})

test('both sides of a shared state see the same, and a move succeeds from the right state only', () => {
  const main = new SharedState(3)
  const thread = new SharedState(main.buffer)
  assert.deepEqual([main.threadId, main.words.length], [0, 3])
  thread.threadId = 5
  thread.startedAt = 123.456
  assert.deepEqual([main.threadId, main.startedAt], [5, 123.456])
  assert.equal(thread.move(1, WAITING, STARTED), true)
  assert.equal(main.move(1, WAITING, RECALLED), false)
  assert.equal(thread.move(1, STARTED, LISTENING), true)
  assert.equal(thread.move(1, STARTED, DONE), false)
  assert.equal(thread.move(1, LISTENING, DONE), true)
  assert.equal(main.move(2, WAITING, RECALLED), true)
  assert.equal(thread.move(2, WAITING, STARTED), false)
  assert.deepEqual([...main.words], [WAITING, DONE, RECALLED])
})

test('each job is started or recalled, never both, when a thread and the main thread race for them', async () => {
  const jobs = 200_000
  const state = new SharedState(jobs)
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.url).then(({ SharedState, WAITING, STARTED }) => {
      const state = new SharedState(workerData.buffer)
      state.threadId = 1
      parentPort.postMessage('ready')
      Atomics.wait(state.words, 0, WAITING)
      const started = []
      for (let index = 1; index < workerData.jobs; index++)
        if (state.move(index, WAITING, STARTED)) started.push(index)
      parentPort.postMessage(started)
    })`
  const url = new URL('../../src/pool/waybill/waybill.js', import.meta.url).href
  const worker = new Worker(source, { eval: true, workerData: { url, buffer: state.buffer, jobs } })
  await once(worker, 'message')
  const answer = once(worker, 'message') as Promise<[number[]]>
  state.move(0, WAITING, DONE)
  Atomics.notify(state.words, 0)
  // From the other end, so that they meet.
  const recalled: number[] = []
  for (let index = jobs - 1; index > 0; index--)
    if (state.move(index, WAITING, RECALLED)) recalled.push(index)
  const [started] = await answer
  assert.equal(started.length + recalled.length, jobs - 1)
  assert.ok(started.every((index) => state.stateOf(index) === STARTED))
  assert.ok(recalled.every((index) => state.stateOf(index) === RECALLED))
})

test('the clock goes forward and reads the same in a thread', async () => {
  const url = new URL('../../src/pool/waybill/waybill.js', import.meta.url).href
  const source = `import(${JSON.stringify(url)}).then(({ monotonicMs }) =>
    require('node:worker_threads').parentPort.postMessage(monotonicMs()))`
  const before = monotonicMs()
  const worker = new Worker(source, { eval: true })
  const [inThread] = (await once(worker, 'message')) as [number]
  const after = monotonicMs()
  assert.ok(before <= inThread && inThread <= after, `${before} ≤ ${inThread} ≤ ${after}`)
})

function outcomesIn(packed: Uint8Array) {
  const outcomes: { index: number; isError: boolean; ranMs: number; bytes: Uint8Array }[] = []
  readOutcomes(packed, (index, isError, ranMs, bytes) => outcomes.push({ index, isError, ranMs, bytes }))
  return outcomes
}
