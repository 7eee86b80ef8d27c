import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimNext, openLevelStore } from '../../../support/store.js'

test('closing while the next jobs are being read ahead breaks nothing', async (t) => {
  const { store } = await openLevelStore(t)
  const lane = store.lane('any')
  const input = Buffer.alloc(3000)
  await store.add(Array.from({ length: 6000 }, () => ({ lane, priority: 0, head: undefined, input })))
  const errors: Error[] = []
  store.watch({ runnable() {}, due() {}, broken: (error) => errors.push(error) })
  // More than half of those in memory: the rest is read from disk.
  assert.equal((await claimNext(store, 1500)).length, 1500)
  await store.close()
  await new Promise(setImmediate)
  assert.deepEqual(errors, [])
})
