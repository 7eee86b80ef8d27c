/** What one job does to those that share its thread: its timeout, its cancellation, its exit, its errors. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Job, ThreadUncaughtError } from '../../src/index.js'
import {
  begun,
  chargesOf,
  heard,
  newGate,
  openSharing,
  placeOf,
  type SharingQueue,
} from '../support/sharing.js'

/** Two jobs wait at a gate on the thread of the test's job. */
async function neighbours(queue: SharingQueue, file: string): Promise<Job[]> {
  return begun(queue, { do: 'gate', file }, { do: 'gate', file })
}

/** The neighbours complete, uncharged. Whether they ran once, on one thread: `false` if they began anew elsewhere. */
async function complete(queue: SharingQueue, jobs: Job[], times: () => number): Promise<boolean> {
  await Promise.all(jobs.map(placeOf))
  for (const job of jobs) assert.deepEqual(await chargesOf(queue, job), [])
  return times() === jobs.length
}

/** How often jobs have begun to wait at a gate. */
function counter(queue: SharingQueue): () => number {
  let begins = 0
  queue.on('log', (_job, text) => {
    if (text === 'gate') begins++
  })
  return () => begins
}

for (const stop of ['timeout', 'cancel'] as const)
  test(`${stop} of a job that listens leaves the others on its thread alone`, async (t) => {
    const queue = await openSharing(t)
    const begins = counter(queue)
    const gate = await newGate(t)
    const others = await neighbours(queue, gate.file)
    const began = heard(queue, 1)
    const job = await queue.enqueue('share', { do: 'listen' }, stop === 'timeout' ? { timeout: 50 } : {})
    const outcome = assert.rejects(job.finished())
    await began
    if (stop === 'cancel') assert.equal(await job.cancel(), true)
    await outcome
    assert.deepEqual(await chargesOf(queue, job), stop === 'timeout' ? ['MILLRACE_TIMEOUT'] : [])
    await gate.open()
    assert.equal(await complete(queue, others, begins), true)
  })

for (const [stop, deed] of [
  ['timeout', { do: 'stay' }],
  ['cancel', { do: 'stay' }],
  ['timeout', { do: 'hog', file: '/nowhere/to/be/found' }],
] as const)
  test(`${stop} of a job that does not listen (${deed.do}) costs the thread, and the others begin anew uncharged`, async (t) => {
    const queue = await openSharing(t)
    const begins = counter(queue)
    const gate = await newGate(t)
    const others = await neighbours(queue, gate.file)
    const began = heard(queue, 1)
    const job = await queue.enqueue('share', deed, stop === 'timeout' ? { timeout: 50 } : {})
    const outcome = assert.rejects(job.finished())
    await began
    const again = heard(queue, 2)
    if (stop === 'cancel') assert.equal(await job.cancel(), true)
    await outcome
    assert.deepEqual(await chargesOf(queue, job), stop === 'timeout' ? ['MILLRACE_TIMEOUT'] : [])
    await again
    // They share a thread again: what ended it is known.
    assert.equal(queue.numWorkers, 1)
    await gate.open()
    assert.equal(await complete(queue, others, begins), false)
  })

for (const way of ['timer', 'nextTick', 'rejection', 'deep'] as const)
  test(`an error out of band (${way}) is the failed attempt of the job that threw it, though others share its thread`, async (t) => {
    const queue = await openSharing(t)
    const begins = counter(queue)
    const gate = await newGate(t)
    const [early] = await begun(queue, { do: 'meet', count: 1 })
    const others = await neighbours(queue, gate.file)
    const job = await queue.enqueue('share', { do: 'throw', way })
    await assert.rejects(job.finished(), new RegExp(`thrown in ${way}`))
    assert.deepEqual(await chargesOf(queue, job), ['MILLRACE_THREAD_DIED'])
    while (begins() < 4) await once(queue, 'log')
    assert.equal(queue.counts().running, 2)
    await gate.open()
    assert.equal(await complete(queue, [...others, early as Job], begins), false)
  })

test('of those on a thread that exits none is charged at first; each runs alone, and the culprit is charged then', async (t) => {
  const queue = await openSharing(t)
  const begins = counter(queue)
  const gate = await newGate(t)
  const others = await neighbours(queue, gate.file)
  const exits = new Set<number>()
  queue.on('log', (_job, text) => {
    if (text === 'exit') exits.add(exits.size)
  })
  const job = await queue.enqueue('share', { do: 'exit' })
  const outcome = assert.rejects(job.finished(), /exited with code: 3/)
  // The first of those that run alone.
  while (begins() < 3) await once(queue, 'log')
  assert.equal(queue.counts().running, 1)
  await gate.open()
  await outcome
  assert.deepEqual(await chargesOf(queue, job), ['MILLRACE_THREAD_DIED'])
  assert.ok(exits.size === 2 || exits.size === 3, `it ran ${exits.size} times`)
  assert.equal(await complete(queue, others, begins), false)
})

test('an error that a job left behind charges none of those that share the thread later', async (t) => {
  const queue = await openSharing(t)
  const begins = counter(queue)
  const [gate, fuse] = [await newGate(t), await newGate(t)]
  const left = await queue.enqueue('share', { do: 'leave', file: fuse.file })
  await left.finished()
  const others = await neighbours(queue, gate.file)
  await fuse.open()
  while (begins() < 3) await once(queue, 'log')
  await gate.open()
  assert.equal(await complete(queue, [left, ...others], begins), false)
})

test('an error that is left behind is told where its thread runs no job', async (t) => {
  const queue = await openSharing(t)
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const fuse = await newGate(t)
  const told = once(queue, 'error')
  await (await queue.enqueue('share', { do: 'leave', file: fuse.file })).finished()
  await fuse.open()
  const [error] = (await told) as [ThreadUncaughtError]
  assert.equal(error.code, 'MILLRACE_THREAD_UNCAUGHT')
  assert.match(error.message, /left behind/)
})
