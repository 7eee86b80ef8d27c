/** Looking up a job reads no more than it needs: a search that leaves its range walks over all that was written before it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { Store } from '../../../src/store/store.js'
import { claimNext, newJob, openLevelStore } from '../../support/store.js'

test('a job that is stored by itself, and one that is gone, is found without a search backwards', async (t) => {
  const { store } = await openLevelStore(t)
  const waiting = await place(store, 'waiting')
  const failed = await place(store, 'failed')
  const [, job] = await claimNext(store)
  assert.ok(job)
  await store.settle([{ outcome: 'failed', job, head: { attempt: 1 } }])
  const searches = countSearchesBackwards(t)
  assert.equal((await store.get(waiting))?.state, 'running')
  assert.equal((await store.get(failed))?.state, 'failed')
  assert.equal(await store.get({ ...failed, seq: failed.seq + 1 }), undefined)
  assert.equal((await store.list({ states: ['completed'], limit: 10 })).length, 0)
  assert.equal(searches(), 0)
})

test('a completed job among many is found by one search backwards', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('a')
  const places = await store.add(
    Array.from({ length: 20 }, (_, index) => newJob(lane, `${index}`)),
    Date.now(),
  )
  const jobs = await claimNext(store)
  const output = Buffer.from('output')
  await store.settle(jobs.map((job) => ({ outcome: 'completed', job, output, startedAt: 1 })))
  const searches = countSearchesBackwards(t)
  const last = places.at(-1)
  assert.ok(last)
  assert.equal((await store.get(last))?.state, 'completed')
  assert.equal(searches(), 1)
})

async function place(store: Store, text: string) {
  const [added] = await store.add([newJob(store.lane('a'), text)], Date.now())
  assert.ok(added)
  return added
}

function countSearchesBackwards(t: TestContext): () => number {
  const mocks = [t.mock.method(Level.prototype, 'iterator').mock, t.mock.method(Level.prototype, 'keys').mock]
  return () => mocks.flatMap(({ calls }) => calls).filter((call) => isBackwards(call.arguments[0])).length
}

function isBackwards(options: unknown): boolean {
  return (options as { reverse?: boolean }).reverse === true
}
