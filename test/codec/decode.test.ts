import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../src/codec/codec.js'
import { DamagedError } from '../../src/errors/errors.js'
import { anything } from './anything.js'

/** The same values each time, so that a failure can be repeated. */
const SEED = 1

/** Gives a value, or throws a DamagedError: it must not do anything else. */
function decodeDamaged(bytes: Uint8Array): void {
  try {
    decode(bytes)
  } catch (error) {
    assert.ok(error instanceof DamagedError, String(error))
  }
}

function refusal(bytes: readonly number[]): string {
  try {
    decode(Uint8Array.from(bytes))
  } catch (error) {
    assert.ok(error instanceof DamagedError, String(error))
    assert.equal(error.code, 'MILLRACE_DAMAGED')
    return error.message
  }
  return assert.fail('it was not refused')
}

test('what structured clone carries arrives as structured clone gives it', () => {
  fc.assert(
    fc.property(anything, (value) => {
      assert.deepStrictEqual(decode(Uint8Array.from(encode(value, 'input'))), structuredClone(value))
    }),
    { seed: SEED, numRuns: 1500 },
  )
})

test('bytes cut short or with bytes added are refused', () => {
  fc.assert(
    fc.property(anything, fc.nat(), (value, cut) => {
      const bytes = encode(value, 'input')
      assert.throws(() => decode(bytes.subarray(0, cut % bytes.byteLength)), DamagedError)
      assert.throws(() => decode(Buffer.concat([bytes, Buffer.alloc(1)])), DamagedError)
    }),
    { seed: SEED, numRuns: 500 },
  )
})

test('damaged bytes give some value or a DamagedError, and leave the decoder and all prototypes as they were', () => {
  const known = { map: new Map([[{ a: 1 }, { b: [new Set(['x'])] }]]), object: { c: -0 } }
  const bytes = Uint8Array.from(encode(known, 'input'))
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(anything, edits, (value, changes) => {
      const damaged = Uint8Array.from(encode([value, known], 'input'))
      for (const [at, byte] of changes) damaged[at % damaged.byteLength] = byte
      decodeDamaged(damaged)
      assert.deepStrictEqual(decode(bytes), known)
    }),
    { seed: SEED, numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (random) => {
      decodeDamaged(random)
      assert.deepStrictEqual(decode(bytes), known)
    }),
    { seed: SEED, numRuns: 4000 },
  )
  for (const prototype of [Object, Array, Map, Set, Error].map((type) => type.prototype))
    assert.deepEqual(Object.keys(prototype), [])
})

test('lengths beyond the end are refused before anything is set aside for them', () => {
  for (const major of [2, 3, 4, 5]) {
    for (const length of [
      [0x1a, 0x00, 0xff, 0xff, 0xff],
      [0x1a, 0xff, 0xff, 0xff, 0xff],
      [0x1b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01],
      [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ]) {
      const [short = 0, ...rest] = length
      assert.match(refusal([(major << 5) | short, ...rest, 1, 2, 3]), /it ends too early/)
    }
  }
  for (const short of [24, 25, 26, 27]) assert.match(refusal([short]), /it ends too early/)
  assert.match(refusal([]), /it ends too early/)
})

test('nesting beyond what is encoded is refused, and does not exhaust the stack', () => {
  for (const opening of [[0x81], [0xa1, 0x60], [0xd9, 0x01, 0x02, 0x81], [0xd9, 0x01, 0x03, 0xa1]])
    assert.match(refusal(new Array(20_000).fill(opening).flat().concat(0)), /it is nested too deep/)
  let deepest: unknown = -0
  for (let level = 0; level < 500; level++)
    deepest = Object.defineProperty(new Error('x', { cause: deepest }), '__proto__', {
      value: 'hostile',
      enumerable: true,
    })
  decode(Uint8Array.from(encode(deepest, 'input')))
})

test('what encode never writes is refused', () => {
  for (const [bytes, why] of [
    [[0x9f, 0xff], /indefinite length/],
    [[0x5f, 0xff], /indefinite length/],
    [[0xbf, 0xff], /indefinite length/],
    [[0xff], /indefinite length/],
    [[0x1c], /indefinite length/],
    [[0xe0], /simple value/],
    [[0xf8, 0xff], /simple value/],
    [[0xd8, 0x1c, 0x81, 0xd8, 0x1d, 0x00], /unknown tag 28/],
    [[0xd8, 0x33, 0x84, 0x80, 0x80, 0x80, 0x00], /unknown tag 51/],
    [[0xd8, 0x69, 0x82, 0x19, 0xe0, 0x00, 0x80], /unknown tag 105/],
    [[0xd9, 0xdf, 0xff, 0x82, 0x19, 0xe0, 0x00, 0x80], /unknown tag 57343/],
    [[0xc2, 0x41, 0x01], /unknown tag 2/],
    [[0xd9, 0x01, 0x03, 0x00], /unknown tag 259/],
    [[0x00, 0x00], /bytes after its end/],
  ] as const)
    assert.match(refusal(bytes), why)
})

test('wrapped values with data of another kind are refused', () => {
  const wrapped = (...data: unknown[]) => [0xda, 0x6d, 0x69, 0x6c, 0x6c, ...encode(data, 'input')]
  assert.equal(decode(Uint8Array.from(wrapped('bigint', '-ff'))), -255n)
  for (const data of [
    ['bigint', 'xyz'],
    ['bigint'],
    ['utf16', 5],
    ['regexp', '(', ''],
    ['dataview', 'text'],
    ['sparse', -1],
    ['sparse', 'many'],
    ['no such kind'],
    [],
  ])
    assert.match(refusal(wrapped(...data)), /^stored data cannot be decoded: /)
})

test('an array of great length and few elements costs little memory', () => {
  const before = process.memoryUsage().rss
  const arrays = Array.from({ length: 20 }, () => {
    const array: unknown[] = []
    array[29_999_999] = 'last'
    return array
  })
  const decoded = decode(Uint8Array.from(encode(arrays, 'input'))) as unknown[][]
  assert.equal(decoded[19]?.length, 30_000_000)
  assert.ok(process.memoryUsage().rss - before < 500e6)
})

test('the error quotes no more than a little of the data', () => {
  const bytes = Uint8Array.from(encode(16n ** 100_000n, 'input'))
  bytes[bytes.length - 1] = 0x78
  assert.throws(
    () => decode(bytes),
    (error: DamagedError) => error instanceof DamagedError && error.message.length < 400,
  )
})

test('a decoder that has thrown in the middle of a Map decodes the next object as an object', () => {
  // A Map of more entries than the decoder makes, each of two bytes.
  const entries = 16_810_000
  const bytes = Buffer.alloc(8 + 2 * entries, 1)
  bytes.set([0xd9, 0x01, 0x03, 0xba])
  bytes.writeUInt32BE(entries, 4)
  assert.throws(() => decode(bytes), {
    code: 'MILLRACE_DAMAGED',
    message: /it would take more than 1073741824 bytes of memory/,
  })
  assert.deepStrictEqual(decode(Uint8Array.from(encode({ a: { b: 1 } }, 'input'))), { a: { b: 1 } })
})
