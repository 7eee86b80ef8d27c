import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LiveSet } from '../../../../src/store/level/backlog/live-set.js'

test('a live set holds what was added and not deleted, across pages and at the largest seq', () => {
  const seq = fc.oneof(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 8100, max: 8300 }),
    fc.integer({ min: 2 ** 48 - 50, max: 2 ** 48 - 1 }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), seq), { maxLength: 200 }), (steps) => {
      const live = new LiveSet()
      const model = new Set<number>()
      for (const [isAdded, each] of steps) {
        if (isAdded) live.add(each)
        else live.delete(each)
        if (isAdded) model.add(each)
        else model.delete(each)
      }
      for (const [, each] of steps) assert.equal(live.has(each), model.has(each))
    }),
  )
})
