import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ABSENT, LaneHeap, type Line } from '../../../../src/store/level/backlog/lane-heap.js'

const LINES = 12

test('whatever is placed, moved and removed, the line that comes first is on top', () => {
  const steps = fc.array(
    fc.tuple(fc.nat(LINES - 1), fc.option(fc.tuple(fc.nat(3), fc.nat(1000)), { freq: 4 })),
    { maxLength: 100, size: 'max' },
  )
  fc.assert(
    fc.property(steps, (all) => {
      const heap = new LaneHeap<Line>()
      const lines = Array.from({ length: LINES }, (): Line => ({ priority: 0, seq: 0, at: ABSENT }))
      const present = new Set<Line>()
      for (const [index, [number, to]] of all.entries()) {
        const line = lines[number] ?? assert.fail()
        if (to) {
          line.priority = to[0]
          // No two jobs have one number.
          line.seq = to[1] * 100 + index
          heap.place(line)
          present.add(line)
        } else {
          heap.remove(line)
          present.delete(line)
          assert.equal(line.at, ABSENT)
        }
        assert.equal(heap.first, firstOf(present))
      }
      while (heap.first) {
        const { first } = heap
        assert.equal(first, firstOf(present))
        heap.remove(first)
        present.delete(first)
      }
      assert.equal(present.size, 0)
    }),
    { numRuns: 500 },
  )
})

function firstOf(lines: ReadonlySet<Line>): Line | undefined {
  return [...lines].sort((a, b) => a.priority - b.priority || a.seq - b.seq)[0]
}
