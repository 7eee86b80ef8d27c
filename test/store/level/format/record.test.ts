import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { decode, encode } from '../../../../src/codec/codec.js'
import type { Head } from '../../../../src/job/job.js'
import { checksumOf } from '../../../../src/store/level/format/checksum.js'
import {
  bodyOf,
  decodeRecord,
  encodeRecord,
  enqueuedAtOf,
  headOf,
  isIntact,
} from '../../../../src/store/level/format/record.js'

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
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const times = fc.integer({ min: 1, max: 2 ** 48 - 1 })
const bodies = fc.uint8Array({ maxLength: 300 })
const place = { lane: 1, priority: -1, seq: 7 }

test('a record gives back the times, the history and every byte of the data', () => {
  fc.assert(
    fc.property(times, maybe(heads), bodies, (enqueuedAt, head, body) => {
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
    fc.property(times, maybe(heads), bodies, ends, maybe(bodies), (enqueuedAt, head, body, end, input) => {
      const record = encodeRecord(place, enqueuedAt, head, body, end, input)
      assert.equal(isIntact(place, record), true)
      const job = decodeRecord(place, 'completed', record)
      const { attempt: _attempt, ...rest } = head ?? {}
      const { attempt, ...ended } = end
      assert.deepEqual({ ...job.head }, { ...rest, ...ended, ...(attempt > 0 && { attempt }) })
      assert.deepEqual([job.place, job.state, job.enqueuedAt], [place, 'completed', enqueuedAt])
      assert.deepEqual(Uint8Array.from(job.body), body)
      assert.deepEqual(job.input && Uint8Array.from(job.input), input)
    }),
    { numRuns: 1000 },
  )
})

test('a large body is not copied into its first record, and is into every other', () => {
  const input = crypto.getRandomValues(new Uint8Array(60_000))
  const body = encode(input, 'input')
  const records = [{ attempts: 2 }, { attempts: 3 }].map((head) => encodeRecord(place, 5, head, body))
  assert.deepEqual(
    records.map((record) => record.buffer === body.buffer),
    [true, false],
  )
  for (const [index, record] of records.entries()) {
    assert.equal(isIntact(place, record), true)
    assert.deepEqual({ ...headOf(record) }, { attempts: index + 2 })
    assert.deepEqual(decode(bodyOf(record)), input)
  }
  // Its head needs more than there is room for.
  const meta = new Uint8Array(1000)
  const other = encodeRecord(place, 5, { meta }, encode(input, 'input'))
  assert.deepEqual([isIntact(place, other), decode(bodyOf(other))], [true, input])
})

test('a job without options costs 11 bytes beside its data, finished 33, and 37 with its input', () => {
  const body = new Uint8Array(10)
  assert.equal(encodeRecord(place, 1, undefined, body).byteLength, 21)
  const end = { attempt: 1, startedAt: 2, finishedAt: 3, group: 4 }
  assert.equal(encodeRecord(place, 1, undefined, body, end).byteLength, 43)
  assert.equal(encodeRecord(place, 1, undefined, body, end, new Uint8Array(5)).byteLength, 52)
})

test('a head of a wrong shape with the right checksum is damage of that job, not an error', () => {
  const failure = { attempt: 1, at: 5, name: 'Error', message: 'x' }
  const right = { failures: [failure], backoff: { base: 5 }, meta: Uint8Array.of(1), key: 'k', timeout: 0.5 }
  assert.deepEqual({ ...headOf(encodeRecord(place, 5, right, undefined)) }, right)
  for (const wrong of [
    { failures: 5 },
    { failures: [5] },
    { failures: [{ ...failure, message: 5 }] },
    { failures: [{ ...failure, at: undefined }] },
    { attempt: 'two' },
    { attempts: -1 },
    { granted: 0.5 },
    { backoff: 'never' },
    { timeout: Number.NaN },
    { key: 5 },
    { meta: 'text' },
    { runAt: 'now' },
    { alone: 1 },
    { damage: 'x' },
    { startedAt: -1 },
    { group: {} },
    { other: 1 },
    [5],
  ]) {
    const { head, body } = decodeRecord(place, 'waiting', encodeRecord(place, 5, wrong as Head, Buffer.of(1)))
    assert.deepEqual([head.damage?.code, Object.keys(head)], ['MILLRACE_DAMAGED', ['damage']], inspect(wrong))
    assert.deepEqual([...body], [1])
  }
})

test('keys and texts that begin with a byte order mark, or are not well-formed, arrive as they are', () => {
  for (const text of [
    '\ufeffk',
    `\ufeff${'k'.repeat(80)}`,
    `\ufeff${'€'.repeat(200)}`,
    `${'k'.repeat(80)}\ud800`,
  ]) {
    const head = {
      key: text,
      failures: [{ attempt: 1, at: 5, name: text, message: text, members: { [text]: text } }],
    }
    assert.deepEqual({ ...headOf(encodeRecord(place, 5, head, undefined)) }, head)
  }
})

test('a record whose parts do not lie within it is damaged, though its checksum is right', () => {
  const body = encode('x'.repeat(20), 'input')
  const whole = encodeRecord(place, 5, { key: 'k' }, body, undefined, body)
  for (const change of [
    (bytes: Buffer) => bytes.writeUInt32BE(2 ** 32 - 1, 11),
    (bytes: Buffer) => bytes.writeUInt32BE(bytes.length, 11),
    (bytes: Buffer) => bytes.writeUInt32BE(bytes.length - 11 - 4 - 3, 11),
    (bytes: Buffer) => bytes.writeUInt32BE(1000, 11 + 4 + bytes.readUInt32BE(11)),
  ]) {
    const bytes = Buffer.from(whole)
    change(bytes)
    assert.equal(isDamaged(mended(bytes)), true)
  }
  // It says that it has an end, a head and an input, and has none of it.
  const short = Buffer.alloc(12)
  short[4] = 7
  assert.equal(isDamaged(mended(short)), true)
  short[4] = 2
  assert.deepEqual(headOf(short), {}, 'read without a look at the checksum')
  assert.equal(isDamaged(whole), false)
})

function mended(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(checksumOf(place, bytes, 4, bytes.length), 0)
  return bytes
}

function isDamaged(bytes: Buffer): boolean {
  return decodeRecord(place, 'waiting', bytes).head.damage !== undefined
}
