import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import type { Place } from '../../../../src/job/job.js'
import { checksumOf } from '../../../../src/store/level/format/checksum.js'

const places: fc.Arbitrary<Place> = fc.record({
  lane: fc.nat(2 ** 32 - 1),
  priority: fc.integer({ min: -32_768, max: 32_767 }),
  seq: fc.nat(2 ** 48 - 1),
})
const PLACE: Place = { lane: 1, priority: -2, seq: 2 ** 33 + 3 }

/** The place as four words, the lowest byte first. */
function wordsOf({ lane, priority, seq }: Place): Buffer {
  const words = Buffer.alloc(16)
  words.writeUInt32LE(lane, 0)
  words.writeInt32LE(priority, 4)
  words.writeUInt32LE(seq % 2 ** 32, 8)
  words.writeUInt32LE(Math.floor(seq / 2 ** 32), 12)
  return words
}

test('the checksum is the CRC-32 of the place and the bytes, of few bytes and of many', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 56, maxLength: 72 }),
    fc.uint8Array({ maxLength: 300, size: 'max' }),
  )
  fc.assert(
    fc.property(places, bytes, fc.nat(20), (place, each, start) => {
      const from = Math.min(start, each.length)
      const expected = crc32(Buffer.concat([wordsOf(place), each.subarray(from)]))
      assert.equal(checksumOf(place, each, from, each.length), expected)
    }),
    { numRuns: 1000 },
  )
})

test('a change of any one bit of the bytes is noticed, however long they are', () => {
  for (const length of [1, 11, 63, 64, 65, 200]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 37) & 0xff))
    const own = checksumOf(PLACE, bytes, 0, length)
    for (let bit = 0; bit < length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.notEqual(checksumOf(PLACE, changed, 0, length), own)
    }
  }
})

test('the same bytes have another checksum at another place', () => {
  fc.assert(
    fc.property(places, fc.constantFrom(20, 100), fc.nat(63), (place, length, bit) => {
      const bytes = Buffer.alloc(length, 7)
      const own = checksumOf(place, bytes, 0, length)
      const others: Place[] = [
        { ...place, lane: (place.lane ^ (1 << (bit % 32))) >>> 0 },
        { ...place, priority: ((place.priority + 32_768) ^ (1 << (bit % 16))) - 32_768 },
        { ...place, seq: Number(BigInt(place.seq) ^ (1n << BigInt(bit % 48))) },
      ]
      for (const other of others) assert.notEqual(checksumOf(other, bytes, 0, length), own)
    }),
    { numRuns: 1000 },
  )
})
