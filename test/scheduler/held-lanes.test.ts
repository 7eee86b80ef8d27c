/** Lanes that a claim holds: later claims do not look at them, until they are released. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pick, Store } from '../../src/store/store.js'
import { cancel, newJob, openLevelStore } from '../support/store.js'

/** The lanes that a claim is shown, in their order; it holds those that are given, and leaves the others. */
function shownTo(store: Store, ...held: number[]): number[] {
  const shown: number[] = []
  store.claim(({ place }): Pick => {
    shown.push(place.lane)
    return held.includes(place.lane) ? 'hold' : 'skip'
  })
  return shown
}

test('a lane that is held is not shown, whatever joins it, until it is released', async (t) => {
  const { store } = await openLevelStore(t)
  const lanes = ['a', 'b', 'c'].map((task) => store.lane(task))
  const [a = 0, b = 0, c = 0] = lanes
  await store.add(lanes.map((lane) => newJob(lane, 'first')))
  assert.deepEqual(shownTo(store), [a, b, c])
  assert.deepEqual(shownTo(store, b), [a, b, c])
  assert.deepEqual(shownTo(store), [a, c])
  await store.add([newJob(b, 'urgent', { priority: -1 }), newJob(c, 'second')])
  assert.deepEqual(shownTo(store), [a, c])
  assert.equal(store.counts(b).waiting, 2)
  store.release(b)
  assert.deepEqual(shownTo(store), [b, a, c])
  assert.deepEqual(shownTo(store), [b, a, c])
  // Of these the first is not held, the second has no jobs, and the third has no lane.
  for (const lane of [a, store.lane('empty'), 99]) store.release(lane)
  assert.deepEqual(shownTo(store), [b, a, c])
})

test('what is claimed of a lane before it is held goes along', async (t) => {
  const { store } = await openLevelStore(t)
  const [a, b] = [store.lane('a'), store.lane('b')]
  await store.add([newJob(a, '1'), newJob(b, '2'), newJob(b, '3'), newJob(a, '4')])
  const answers: Pick[] = ['take', 'take', 'hold', 'take']
  const claim = store.claim(() => answers.shift() ?? 'stop')
  assert.deepEqual(
    claim?.jobs.map(({ place }) => place.lane),
    [a, b, a],
  )
  await claim?.written
  assert.deepEqual(shownTo(store), [])
  store.release(b)
  assert.deepEqual(shownTo(store), [b])
})

test('a job that returns to a lane that is held waits there for its release', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('a')
  await store.add([newJob(lane, '1'), newJob(lane, '2')])
  const answers: Pick[] = ['take', 'hold']
  const claim = store.claim(() => answers.shift() ?? 'stop')
  await claim?.written
  await store.settle((claim?.jobs ?? []).map((job) => ({ outcome: 'released', job })))
  assert.deepEqual(shownTo(store), [])
  store.release(lane)
  assert.deepEqual(shownTo(store), [lane])
  const [first, second] = await store.list({ limit: 10 })
  assert.ok(first && second)
  assert.deepEqual([await cancel(store, first.place), await cancel(store, second.place)], [true, true])
  assert.deepEqual(shownTo(store), [])
})
