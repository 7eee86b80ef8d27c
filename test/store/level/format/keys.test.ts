import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Place } from '../../../../src/job/job.js'
import {
  dueKey,
  finishedAtOf,
  finishedKey,
  jobKey,
  laneRange,
  nameKey,
  placeOf,
  rangeOf,
  readUint48,
  runAtOf,
  waybillKey,
} from '../../../../src/store/level/format/keys.js'

/** Edges, neighbors and everything between: orders go wrong where a byte or a sign changes. */
const seqs = fc.oneof(fc.constantFrom(0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1), fc.nat(2 ** 31 - 1))
const lanes = fc.oneof(fc.constantFrom(0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1), fc.nat(5))
const priorities = fc.oneof(
  fc.constantFrom(-32_768, -32_767, -257, -256, -1, 0, 1, 255, 256, 32_767),
  fc.integer({ min: -32_768, max: 32_767 }),
)
const places = fc.record({ lane: lanes, priority: priorities, seq: seqs }, { noNullPrototype: true })
const times = fc.oneof(fc.constantFrom(0, 1, 255, 256, 2 ** 40, 2 ** 48 - 1), fc.nat())

test('the keys of a state’s jobs sort by lane, then priority, then age', () => {
  fc.assert(
    fc.property(places, places, (a, b) => {
      for (const state of ['waiting', 'delayed', 'completed'] as const)
        assert.equal(Math.sign(jobKey(state, a).compare(jobKey(state, b))), sign(order(a), order(b)))
    }),
    { numRuns: 2000 },
  )
})

test('due keys sort by time, whatever the place', () => {
  fc.assert(
    fc.property(times, places, times, places, (atA, a, atB, b) => {
      const expected = sign([atA, ...order(a)], [atB, ...order(b)])
      assert.equal(Math.sign(dueKey(atA, a).compare(dueKey(atB, b))), expected)
      assert.equal(runAtOf(dueKey(atA, a)), atA)
      assert.deepEqual(placeOf(dueKey(atA, a)), a)
    }),
    { numRuns: 2000 },
  )
})

test('waybill keys sort by number, and finished keys by time, then group', () => {
  fc.assert(
    fc.property(seqs, seqs, times, times, (a, b, atA, atB) => {
      assert.equal(Math.sign(waybillKey(a).compare(waybillKey(b))), Math.sign(a - b))
      const [first, second] = [finishedKey('failed', atA, a), finishedKey('failed', atB, b)]
      assert.equal(Math.sign(first.compare(second)), sign([atA, a], [atB, b]))
      assert.equal(finishedAtOf(first), atA)
    }),
    { numRuns: 2000 },
  )
})

test('a place is read back from a job’s key as it was written', () => {
  fc.assert(fc.property(places, (place) => assert.deepEqual(placeOf(jobKey('failed', place)), place)))
})

test('a number of six bytes is read as it was written, wherever it stands', () => {
  const numbers = fc.oneof(
    fc.constantFrom(0, 1, 2 ** 16, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47, 2 ** 48 - 1),
    fc.maxSafeNat().map((number) => number % 2 ** 48),
    fc.nat(2 ** 31 - 1),
  )
  fc.assert(
    fc.property(numbers, fc.nat(3), fc.uint8Array({ minLength: 9, maxLength: 9 }), (number, at, around) => {
      const bytes = Buffer.from(around)
      bytes.writeUIntBE(number, at, 6)
      assert.equal(readUint48(bytes, at), number)
      assert.equal(readUint48(bytes, at), bytes.readUIntBE(at, 6))
    }),
    { numRuns: 5000 },
  )
})

test('the range of a lane holds the waiting jobs of that lane and no others', () => {
  fc.assert(
    fc.property(lanes, places, (lane, place) => {
      const { gte, lt } = laneRange(lane)
      for (const state of ['waiting', 'delayed', 'cancelled'] as const) {
        const key = jobKey(state, place)
        const isInside = key.compare(gte) >= 0 && key.compare(lt) < 0
        assert.equal(isInside, state === 'waiting' && place.lane === lane)
      }
    }),
    { numRuns: 2000 },
  )
})

test('the range of a prefix holds what begins with it', () => {
  const prefixes = fc.uint8Array({ minLength: 1, maxLength: 3 }).filter((bytes) => bytes[0] !== 0xff)
  fc.assert(
    fc.property(prefixes, fc.uint8Array({ maxLength: 5 }), fc.boolean(), (prefix, bytes, isUnder) => {
      const { gte, lt } = rangeOf(Buffer.from(prefix))
      const key = Buffer.from(isUnder ? [...prefix, ...bytes] : bytes)
      const isInside = key.compare(gte) >= 0 && key.compare(lt) < 0
      assert.equal(isInside, key.subarray(0, prefix.length).equals(Buffer.from(prefix)))
    }),
    { numRuns: 2000 },
  )
})

test('names that differ, or are of different lanes, have different keys', () => {
  // Any sequence of UTF-16 units, unpaired surrogates among them.
  const units = fc.array(
    fc.oneof(fc.constantFrom(0x41, 0x80, 0x600, 0xd800, 0xd841, 0xdfff), fc.nat(0xffff)),
    {
      maxLength: 4,
    },
  )
  const names = units.map((codes) => String.fromCharCode(...codes))
  fc.assert(
    fc.property(lanes, names, lanes, names, (laneA, a, laneB, b) => {
      assert.equal(nameKey(laneA, a).equals(nameKey(laneB, b)), laneA === laneB && a === b)
    }),
    { numRuns: 5000, examples: [[1, '\ud841\u0080', 1, 'A\u0600\0']] },
  )
})

function order({ lane, priority, seq }: Place): number[] {
  return [lane, priority, seq]
}

/** -1, 0 or 1, as the first list of numbers sorts before, with or after the second. */
function sign(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((number, at) => number !== b[at])
  return index < 0 ? 0 : Math.sign((a[index] ?? 0) - (b[index] ?? 0))
}
