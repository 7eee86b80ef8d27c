import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deletions } from '../../../src/store/level/deletions.js'
import { DELETIONS_KEY, jobKey } from '../../../src/store/level/format/keys.js'
import { Batch } from '../../../src/store/level/group-commit.js'
import { newJob, openLevelStore, remove } from '../../support/store.js'

const PLACE = { lane: 1, priority: 2, seq: 3 }

function deleting(deletions: Deletions, state: 'failed' | 'delayed', count: number): void {
  for (let entry = 0; entry < count; entry++) deletions.add(jobKey(state, PLACE))
}

test('deletions are counted on where they were written last', () => {
  let deletions = Deletions.from(undefined)
  for (let round = 1; round <= 3; round++) {
    deleting(deletions, 'failed', 300)
    deleting(deletions, 'delayed', 7)
    deletions = Deletions.from(deletions.seal(true))
    assert.deepEqual([deletions.of('f'), deletions.of('d'), deletions.of('a')], [300 * round, 7 * round, 0])
  }
})

test('a thousand deletions are written at once, fewer only at the end, and nothing twice', () => {
  const deletions = Deletions.from(undefined)
  assert.equal(deletions.seal(true), undefined)
  deleting(deletions, 'failed', 999)
  assert.equal(deletions.seal(), undefined)
  deleting(deletions, 'delayed', 1)
  assert.equal(Deletions.from(deletions.seal()).of('f'), 999)
  assert.equal(deletions.seal(true), undefined)
  deleting(deletions, 'failed', 1)
  assert.equal(deletions.seal(), undefined)
  assert.equal(Deletions.from(deletions.seal(true)).of('f'), 1000)
})

test('what has been compacted is written too, and a kind of which nothing is left is not', () => {
  const deletions = Deletions.from(undefined)
  deleting(deletions, 'failed', 1500)
  deleting(deletions, 'delayed', 1)
  const before = deletions.seal()
  deletions.forget('f', 1500)
  const after = deletions.seal()
  assert.deepEqual([Deletions.from(after).of('f'), Deletions.from(after).of('d')], [0, 1])
  assert.equal((before?.length ?? 0) - (after?.length ?? 0), 7)
})

test('counts that have changed on disk are not believed', () => {
  const deletions = Deletions.from(undefined)
  deleting(deletions, 'failed', 1)
  const stored = deletions.seal(true) ?? assert.fail()
  stored[stored.length - 1] = 2
  assert.equal(Deletions.from(stored).of('f'), 0)
})

test('a store writes them with its groups when there are many, with the last one when it closes, and goes on from there', async (t) => {
  const opened = await openLevelStore(t)
  const { store } = opened
  const lane = store.lane('a')
  const { mock } = t.mock.method(Batch.prototype, 'put')
  const written = () =>
    mock.calls.flatMap(({ arguments: [key, value] }) =>
      key.equals(DELETIONS_KEY) ? [Deletions.from(value).of('d')] : [],
    )
  const removed = async (count: number) => {
    await store.add(Array.from({ length: count }, () => newJob(lane, 'x', { runAt: Date.now() + 1e9 })))
    assert.equal(await store.changeAll({ states: ['delayed'], lane }, { verb: 'remove' }), count)
  }
  await removed(600)
  assert.deepEqual(written(), [600])
  await removed(100)
  assert.deepEqual(written(), [600])
  const again = await opened.reopen()
  assert.deepEqual(written(), [600, 700])
  const [place] = await again.store.add([newJob(lane, 'x', { runAt: Date.now() + 1e9 })])
  assert.ok(place && (await remove(again.store, place)))
  await again.store.close()
  assert.deepEqual(written(), [600, 700, 701])
})
