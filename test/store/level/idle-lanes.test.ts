/** Lanes that have nothing to do cost nothing: a task for each user must not make a queue slow. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { queryObjects } from 'node:v8'
import { Level } from 'level'
import { Window } from '../../../src/store/level/backlog/window.js'
import { claimNext, newJob, openLevelStore } from '../../support/store.js'

const LANES = 5000

/** A store with so many tasks that have had one job each. */
async function afterUse(t: TestContext, lanes: number) {
  const opened = await openLevelStore(t)
  const { store } = opened
  await store.add(Array.from({ length: lanes }, (_, index) => newJob(store.lane(`user ${index}`), 'x')))
  const jobs = await claimNext(store)
  assert.equal(jobs.length, lanes)
  await store.settle(
    jobs.map((job) => ({ outcome: 'completed', job, output: Buffer.from('x'), startedAt: 1 })),
  )
  return opened
}

test('a lane without waiting jobs has no window', async (t) => {
  const windows = () => queryObjects(Window, { format: 'count' })
  const before = windows()
  const opened = await afterUse(t, LANES)
  // That of the delayed jobs.
  assert.equal(windows() - before, 1)
  // The closed store is still in memory.
  const { store } = await opened.reopen()
  assert.equal(windows() - before, 2)
  await store.add([newJob(store.lane('user 1'), 'x'), newJob(store.lane('user 2'), 'x')])
  assert.equal(windows() - before, 4)
})

test('opening reads no lane that has no waiting job', async (t) => {
  const iterator = t.mock.method(Level.prototype, 'iterator')
  const reads: number[] = []
  for (const lanes of [1, LANES]) {
    const opened = await afterUse(t, lanes)
    const before = iterator.mock.callCount()
    await opened.reopen()
    reads.push(iterator.mock.callCount() - before)
  }
  assert.equal(reads[1], reads[0])
  assert.ok(reads.every((count) => count > 0))
})

test('a claim looks at few of the lanes that have jobs', async (t) => {
  const { store } = await openLevelStore(t)
  await store.add(Array.from({ length: LANES }, (_, index) => newJob(store.lane(`user ${index}`), 'x')))
  const peek = t.mock.method(Window.prototype, 'peek')
  await claimNext(store)
  assert.ok(peek.mock.callCount() < 4 * LANES, `${peek.mock.callCount()} looks`)
})
