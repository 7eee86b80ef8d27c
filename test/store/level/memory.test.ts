/** Large jobs are let go of: what has left the store, or rests on disk, is not kept in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claimed, Settlement, Store } from '../../../src/store/store.js'
import { referencedBytes } from '../../support/memory.js'
import { cancel, claimNext, openLevelStore, remove, revive } from '../../support/store.js'

const MB = 1024 * 1024
const COUNT = 40

/** What a store may keep in memory of jobs that wait: two windows of 8 MB. */
const WINDOWS = 16 * MB

function large(lane: number, head?: { runAt: number }) {
  return { lane, priority: 0, head, input: Buffer.alloc(MB, 1) }
}

/** Adds large jobs one after the other, and does something with each that is claimed. */
async function each(store: Store, outcome: (job: Claimed) => Settlement): Promise<void> {
  const lane = store.lane('task')
  for (let index = 0; index < COUNT; index++) {
    await store.addOne(large(lane)).written
    const jobs = await claimNext(store, 1)
    await store.settle(jobs.map(outcome))
  }
}

const outcomes: Record<string, (job: Claimed) => Settlement> = {
  completed: (job) => ({ outcome: 'completed', job, output: Buffer.alloc(MB, 2), startedAt: 1 }),
  failed: (job) => ({ outcome: 'failed', job, head: { attempt: 1 } }),
  cancelled: (job) => ({ outcome: 'cancelled', job, head: {} }),
  'delayed for a retry': (job) => ({
    outcome: 'retry',
    job,
    head: { attempt: 1, runAt: Date.now() + 3_600_000 },
  }),
}

for (const [name, outcome] of Object.entries(outcomes))
  test(`large jobs that are ${name} are not kept in memory`, async (t) => {
    const { store } = await openLevelStore(t)
    const before = await referencedBytes()
    await each(store, outcome)
    const kept = (await referencedBytes()) - before
    assert.ok(kept < 2 * MB, `${kept} bytes`)
  })

test('a job that is tried again at once is in memory as it is now, not as it was at each attempt', async (t) => {
  const { store } = await openLevelStore(t)
  const before = await referencedBytes()
  await store.addOne(large(store.lane('task'))).written
  for (let attempt = 1; attempt <= COUNT; attempt++) {
    const jobs = await claimNext(store, 1)
    await store.settle(jobs.map((job) => ({ outcome: 'retry', job, head: { attempt } })))
  }
  const kept = (await referencedBytes()) - before
  assert.ok(kept < 3 * MB, `${kept} bytes`)
})

test('large jobs that were delayed, listed, looked up, cancelled and removed are not kept in memory', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('task')
  const before = await referencedBytes()
  const places = []
  for (let index = 0; index < COUNT; index++)
    places.push(...(await store.add([large(lane, { runAt: Date.now() + 3_600_000 })])))
  await store.list({ states: ['delayed'], limit: 10 })
  for (const place of places) assert.ok(await store.get(place))
  const delayed = (await referencedBytes()) - before
  assert.ok(delayed < 2 * MB, `${delayed} bytes while they are delayed`)
  for (const place of places) assert.ok(await revive(store, place, 1))
  const waiting = (await referencedBytes()) - before
  assert.ok(waiting < WINDOWS + 2 * MB, `${waiting} bytes while they wait`)
  for (const [index, place] of places.entries())
    assert.ok(await (index % 2 === 0 ? cancel(store, place) : remove(store, place)))
  const kept = (await referencedBytes()) - before
  assert.ok(kept < 2 * MB, `${kept} bytes`)
})

test('large delayed jobs that fall due together are promoted a few at a time', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('task')
  const runAt = Date.now() + 3_600_000
  for (let index = 0; index < COUNT; index++) await store.add([large(lane, { runAt })])
  let promoted = 0
  while (promoted < COUNT) {
    const some = await store.promote(runAt)
    assert.ok(some > 0 && some <= 8, `${some} jobs of 1 MB`)
    promoted += some
  }
  assert.equal(promoted, COUNT)
})

test('a job that is kept by who looked it up does not keep the jobs that came in with it', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('task')
  const held = []
  const before = await referencedBytes()
  for (let chunk = 0; chunk < 100; chunk++) {
    const jobs = Array.from({ length: 20 }, () => ({
      lane,
      priority: 0,
      head: undefined,
      input: Buffer.alloc(1500),
    }))
    const [place] = await store.add(jobs)
    if (place) held.push(await store.get(place))
    await store.settle(
      (await claimNext(store)).map((job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 })),
    )
    if (place) held.push(await store.get(place))
  }
  const kept = (await referencedBytes()) - before
  assert.ok(kept < 2 * held.length * 1500, `${kept} bytes`)
})
