import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DamagedError } from '../../../../src/errors/errors.js'
import type { Place } from '../../../../src/job/job.js'
import {
  Chunk,
  jobsIn,
  LARGEST_RECORD,
  MOST_JOBS,
  OpenChunks,
} from '../../../../src/store/level/format/chunk.js'
import { countLeft, decodeLeft, encodeLeft, isSet } from '../../../../src/store/level/format/chunk-bitmap.js'
import { bodyOf, encodeRecord, isIntact, partsOf, sizeOf } from '../../../../src/store/level/format/record.js'

const MOST_BYTES = 32 * 1024
const SEQ_SPAN = 65_536
const PLACE: Place = { lane: 3, priority: -7, seq: 2 ** 40 }

/** Jobs as they may come: how far each seq is from the one before, and its input. */
const incoming = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
    ),
    fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 2500, size: 'max' })),
  ),
  { minLength: 1, maxLength: 400, size: 'max' },
)

interface Job {
  readonly place: Place
  readonly record: Buffer
}

function jobsOf(incoming: readonly [number, Uint8Array][], place = PLACE): Job[] {
  let seq = place.seq - 1
  return incoming.map(([step, input]) => {
    seq += step
    const own = { ...place, seq }
    return { place: own, record: encodeRecord(own, 5, undefined, input) }
  })
}

/** Pushes each job to where it belongs. What is stored by itself, and the chunks. */
function crowd(incoming: readonly [number, Uint8Array][]) {
  const open = new OpenChunks()
  const apart: Job[] = []
  const joined = new Map<Chunk, Job[]>()
  for (const [index, job] of jobsOf(incoming).entries()) {
    const parts = partsOf(job.place, 5, undefined, incoming[index]?.[1])
    const chunk = open.chunkFor(job.place, sizeOf(parts))
    if (chunk) {
      const jobs = joined.get(chunk) ?? []
      joined.set(chunk, jobs)
      assert.equal(chunk.push(parts, sizeOf(parts)), jobs.length)
      jobs.push(job)
    } else apart.push(job)
  }
  const chunks = open.take()
  assert.deepEqual(new Set(chunks), new Set(joined.keys()))
  assert.deepEqual(open.take(), [], 'others are filled from then on')
  return { apart, chunks, joined }
}

/** The records of a chunk, each with its place. */
function contentOf(chunk: Chunk): Job[] {
  return Array.from({ length: chunk.count }, (_, index) => ({
    place: chunk.placeOf(index),
    record: chunk.bytes.subarray(chunk.startOf(index), chunk.endOf(index)),
  }))
}

/** A chunk of so many jobs, as it is stored. */
function storedChunk(count: number): Buffer {
  const chunk = Chunk.begin(PLACE)
  for (let index = 0; index < count; index++) {
    const parts = partsOf({ ...PLACE, seq: PLACE.seq + 2 * index }, 5, undefined, Buffer.of(index))
    chunk.push(parts, sizeOf(parts))
  }
  return Buffer.from(chunk.encode())
}

test('what goes into chunks is read back, byte by byte, under its places, and no chunk is too large', () => {
  fc.assert(
    fc.property(incoming, (all) => {
      const { apart, chunks, joined } = crowd(all)
      for (const { record } of apart) assert.ok(record.length > LARGEST_RECORD)
      for (const chunk of chunks) {
        const jobs = joined.get(chunk) ?? []
        const value = Buffer.from(chunk.encode())
        const read = Chunk.read(chunk.place, value, undefined)
        assert.deepEqual(contentOf(read), jobs)
        assert.deepEqual(contentOf(chunk), jobs)
        assert.deepEqual([read.count, read.left, jobsIn(value)], [jobs.length, jobs.length, jobs.length])
        assert.deepEqual(read.place, jobs[0]?.place)
        for (const [index, { place }] of jobs.entries()) {
          assert.equal(read.indexOf(place.seq), index)
          assert.ok(isIntact(place, read.bytes, read.startOf(index), read.endOf(index)))
        }
        const last = jobs.at(-1)?.place.seq ?? 0
        assert.ok(jobs.length <= MOST_JOBS && last - chunk.place.seq < SEQ_SPAN)
        assert.ok(jobs.reduce((sum, { record }) => sum + record.length, 0) <= MOST_BYTES)
        assert.deepEqual([read.indexOf(last + 1), read.indexOf(chunk.place.seq - 1)], [-1, -1])
      }
    }),
    { numRuns: 100 },
  )
})

test('a chunk takes 256 jobs, 32 KiB and a span of 65,536 numbers, and not one more', () => {
  const input = (bytes: number) => new Uint8Array(bytes - 11)
  const sizes = (jobs: [number, Uint8Array][]) => crowd(jobs).chunks.map(({ count }) => count)
  const many = (count: number, bytes: number, step = 1) =>
    Array.from({ length: count }, (): [number, Uint8Array] => [step, input(bytes)])
  assert.deepEqual(sizes(many(MOST_JOBS, 12)), [MOST_JOBS])
  assert.deepEqual(sizes(many(MOST_JOBS + 1, 12)), [MOST_JOBS, 1])
  assert.deepEqual(sizes(many(16, LARGEST_RECORD)), [16])
  assert.deepEqual(sizes([...many(16, LARGEST_RECORD), ...many(1, 12)]), [16, 1])
  assert.deepEqual(sizes([...many(1, 12), ...many(1, 12, SEQ_SPAN - 1)]), [2])
  assert.deepEqual(sizes([...many(1, 12), ...many(1, 12, SEQ_SPAN)]), [1, 1])
  assert.deepEqual(sizes(many(3, LARGEST_RECORD + 1)), [])
})

test('jobs of several lanes and priorities that come mixed go into chunks of their own, in their order', () => {
  const lines = fc.array(
    fc.tuple(fc.constantFrom(0, 1, 2, 2 ** 32 - 1), fc.constantFrom(-32_768, -1, 0, 1, 32_767)),
    { minLength: 1, maxLength: 600, size: 'max' },
  )
  fc.assert(
    fc.property(lines, (all) => {
      const open = new OpenChunks()
      all.forEach(([lane, priority], index) => {
        const parts = partsOf({ lane, priority, seq: index + 1 }, 5, undefined, Buffer.of(index & 0xff))
        const chunk = open.chunkFor(parts.place, sizeOf(parts)) ?? assert.fail('it is small')
        chunk.push(parts, sizeOf(parts))
      })
      const found = open
        .take()
        .flatMap((chunk) => contentOf(Chunk.read(chunk.place, chunk.encode(), undefined)))
      assert.equal(found.length, all.length)
      for (const { place, record } of found) {
        const [lane, priority] = all[place.seq - 1] ?? []
        assert.deepEqual([place.lane, place.priority], [lane, priority])
        assert.ok(isIntact(place, record))
        assert.deepEqual(bodyOf(record), Buffer.of((place.seq - 1) & 0xff))
      }
    }),
    { numRuns: 100 },
  )
})

test('who has left a chunk is known, counted once, and written a bit per job', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: MOST_JOBS }), fc.array(fc.nat(300)), (count, leaving) => {
      const value = storedChunk(count)
      const chunk = Chunk.read(PLACE, value, undefined)
      const gone = new Set(leaving.filter((index) => index < count))
      for (const index of leaving) if (index < count) chunk.leave(index)
      const stored = encodeLeft(PLACE, chunk.gone)
      const again = Chunk.read(PLACE, value, decodeLeft(PLACE, stored))
      for (const each of [chunk, again]) {
        assert.equal(each.left, count - gone.size)
        for (let index = 0; index < count; index++) {
          assert.equal(each.has(index), !gone.has(index))
          assert.equal(isSet(each.gone, index), gone.has(index))
        }
      }
      assert.deepEqual([again.isMarked, chunk.isMarked, countLeft(stored)], [true, false, gone.size])
    }),
  )
})

test('a job that is copied into another chunk is the same there', () => {
  fc.assert(
    fc.property(incoming, fc.nat(3), (all, which) => {
      for (const chunk of crowd(all).chunks) {
        const read = Chunk.read(chunk.place, Buffer.from(chunk.encode()), undefined)
        const rest = Chunk.begin(chunk.place)
        for (let index = which; index < read.count; index += 2) rest.copy(read, index)
        if (rest.count === 0) continue
        const kept = Chunk.read(chunk.place, Buffer.from(rest.encode()), undefined)
        assert.deepEqual(
          contentOf(kept),
          contentOf(read).filter((_, index) => index >= which && (index - which) % 2 === 0),
        )
      }
    }),
    { numRuns: 50 },
  )
})

/** Reads what need not be a chunk, in the middle of other bytes. */
function readAnything(value: Uint8Array): void {
  const around = Buffer.alloc(value.length + 200, 0x11)
  around.set(value, 100)
  try {
    const chunk = Chunk.read(PLACE, around.subarray(100, 100 + value.length), undefined)
    let end = 0
    for (let index = 0; index < chunk.count; index++) {
      assert.equal(chunk.startOf(index), end)
      end = chunk.endOf(index)
      assert.ok(end > chunk.startOf(index) && end <= value.length)
    }
  } catch (error) {
    assert.ok(error instanceof DamagedError, String(error))
    assert.equal(error.code, 'MILLRACE_DAMAGED')
  }
}

test('bytes that are no chunk are refused as damaged, or each of their parts lies within them', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), readAnything), { numRuns: 3000 })
  const cut = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(600), fc.nat(600))
  fc.assert(
    fc.property(cut, ([count, from, length]) =>
      readAnything(storedChunk(count).subarray(from, from + length)),
    ),
    { numRuns: 1000 },
  )
})

test('a changed bit anywhere is noticed: the chunk is refused, or a job of it is not intact', () => {
  const value = storedChunk(9)
  for (let bit = 0; bit < value.length * 8; bit++) {
    const changed = Buffer.from(value)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    readAnything(changed)
    let damaged = 0
    try {
      const chunk = Chunk.read(PLACE, changed, undefined)
      for (const { place, record } of contentOf(chunk)) if (!isIntact(place, record)) damaged++
      assert.equal(chunk.count, 9)
      assert.ok(damaged >= 1 && damaged <= 2, `bit ${bit}: ${damaged}`)
    } catch (error) {
      assert.ok(error instanceof DamagedError, `bit ${bit}: ${error}`)
    }
  }
})

test('what is stored of who has left is refused when a bit of it, or its place, has changed', () => {
  const bits = Buffer.from([0b1010_0001, 0, 1])
  const value = encodeLeft(PLACE, bits)
  assert.deepEqual(decodeLeft(PLACE, value), bits)
  assert.equal(countLeft(value), 4)
  for (let bit = 0; bit < value.length * 8; bit++) {
    const changed = Buffer.from(value)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.throws(() => decodeLeft(PLACE, changed), { code: 'MILLRACE_DAMAGED' })
  }
  for (let length = 0; length < value.length; length++)
    assert.throws(() => decodeLeft(PLACE, value.subarray(0, length)), { code: 'MILLRACE_DAMAGED' })
  assert.throws(() => decodeLeft({ ...PLACE, seq: 1 }, value), { code: 'MILLRACE_DAMAGED' })
})
