import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Head } from '../../../src/job.js'
import { bodyOf, decodeRecord, encodeRecord, enqueuedAtOf, headOf } from '../../../src/store/level/record.js'

const PLAIN = { noNullPrototype: true }
const numbers = fc.nat(2 ** 31 - 1)
const heads: fc.Arbitrary<Head> = fc.record(
  {
    attempt: numbers,
    attempts: numbers,
    alone: fc.boolean(),
    key: fc.string({ unit: 'binary', minLength: 1 }),
    runAt: fc.maxSafeNat(),
    failures: fc.array(
      fc.record({ attempt: numbers, at: numbers, name: fc.string(), message: fc.string() }, PLAIN),
    ),
  },
  { requiredKeys: [], ...PLAIN },
)
const times = fc.integer({ min: 1, max: 2 ** 48 - 1 })
const bodies = fc.uint8Array({ maxLength: 300 })
const place = { lane: 1, priority: -1, seq: 7 }

test('a record gives back the times, the history and every byte of the data', () => {
  fc.assert(
    fc.property(times, fc.option(heads, { nil: undefined }), bodies, (enqueuedAt, head, body) => {
      const record = encodeRecord(place, enqueuedAt, head, body)
      assert.equal(enqueuedAtOf(record), enqueuedAt)
      assert.deepEqual({ ...headOf(record) }, { ...head })
      assert.deepEqual(Uint8Array.from(bodyOf(record)), body)
    }),
    { numRuns: 1000 },
  )
})

test('a finished job’s record says how it ended, whatever its head said of attempts', () => {
  const ends = fc.record({ attempt: numbers, startedAt: times, finishedAt: times, group: times })
  fc.assert(
    fc.property(times, fc.option(heads, { nil: undefined }), bodies, ends, (enqueuedAt, head, body, end) => {
      const record = encodeRecord(place, enqueuedAt, head, body, end)
      const job = decodeRecord(place, 'completed', record)
      const { attempt: _attempt, ...rest } = head ?? {}
      const { attempt, ...ended } = end
      assert.deepEqual({ ...job.head }, { ...rest, ...ended, ...(attempt > 0 && { attempt }) })
      assert.deepEqual([job.place, job.state, job.enqueuedAt], [place, 'completed', enqueuedAt])
      assert.deepEqual(Uint8Array.from(job.body), body)
    }),
    { numRuns: 1000 },
  )
})

test('a job without options costs 11 bytes beside its data, and finished 33', () => {
  const body = new Uint8Array(10)
  assert.equal(encodeRecord(place, 1, undefined, body).byteLength, 21)
  const end = { attempt: 1, startedAt: 2, finishedAt: 3, group: 4 }
  assert.equal(encodeRecord(place, 1, undefined, body, end).byteLength, 43)
})
