/** What a value takes in memory when it is decoded is bounded where it is encoded, and where it is decoded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../src/codec/codec.js'
import { objectMemory } from '../../src/codec/memory.js'
import { Preparation } from '../../src/codec/prepare.js'
import { assertWellFormed } from '../../src/codec/well-formed.js'
import { DamagedError, TooLargeError } from '../../src/errors/errors.js'
import { anything } from './anything.js'

function estimates(value: unknown): { encoding: number; decoding: number } {
  const preparation = new Preparation('input', undefined)
  preparation.prepare(value)
  return { encoding: preparation.cost.memory, decoding: assertWellFormed(encode(value, 'input')) }
}

/** One of each kind that costs more than its bytes. */
const KINDS: Record<string, unknown> = {
  'an object': {},
  'an array': [],
  'an object with keys': { a: 1, b: 'text', c: '' },
  'an object of many keys': Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`${index}`, 0])),
  'an object with a hostile key': JSON.parse('{ "__proto__": 1, "b": 2 }'),
  'a Map': new Map([['a', 1]]),
  'an empty Map': new Map(),
  'a Set': new Set([1, 'a']),
  'a Map of many': new Map(Array.from({ length: 100 }, (_, index) => [index, 1])),
  'a Set of many': new Set(Array.from({ length: 100 }, (_, index) => index)),
  'minus zero': -0,
  'a large bigint': 2n ** 70n,
  'a date': new Date(5),
  'a far date': new Date(8.64e15 - 1),
  'text that is not well-formed': '\ud800',
  'a regular expression': /a/g,
  'an ArrayBuffer': new ArrayBuffer(1),
  'a DataView': new DataView(new ArrayBuffer(1)),
  'a typed array': new Float32Array(1),
  'a Buffer': Buffer.of(1),
  'an array with holes': new Array(50),
  'an error': Object.assign(new AggregateError([new Error('x', { cause: 1 })], 'y'), { code: 1 }),
}

test('decoding takes no more than twice what encoding has counted, so that what was accepted can be read', () => {
  for (const [name, value] of Object.entries(KINDS)) {
    const { encoding, decoding } = estimates([value, value])
    assert.ok(decoding <= 2 * encoding, `${name}: ${decoding} beside ${encoding}`)
    assert.ok(decoding >= encoding / 2, `${name}: ${decoding} beside ${encoding}`)
  }
  fc.assert(
    fc.property(anything, (value) => {
      const { encoding, decoding } = estimates([value])
      assert.ok(decoding <= 2 * encoding)
    }),
    { seed: 1, numRuns: 1000 },
  )
})

test('a key costs more in an object of many, which V8 keeps in a table', () => {
  assert.ok(estimates(KINDS['an object of many keys']).encoding > 2000 * 90)
  assert.ok(estimates({ a: 1, b: 2 }).encoding < 150)
})

test('a value that would take too much memory is refused where it is encoded, however few its bytes are', () => {
  for (const [name, value] of Object.entries(KINDS)) {
    if (typeof value !== 'object' || name === 'an object of many keys') continue
    const thousands = new Array(1000).fill(value)
    assert.throws(
      () => encode(new Array(20_000).fill(thousands), 'output'),
      (error: Error) =>
        error instanceof TooLargeError &&
        /^output would take more than 536870912 bytes of memory when it is decoded: put/.test(error.message),
      name,
    )
  }
})

test('bytes that would take too much memory are refused where they are decoded', () => {
  const array = Buffer.alloc(17_000_005, 0xa0)
  array.set([0x9a, 0x01, 0x03, 0x66, 0x40])
  assert.throws(() => decode(array), {
    constructor: DamagedError,
    message: /it would take more than 1073741824 bytes of memory/,
  })
})

test('arrays with many holes take memory for what they hold, not for their length', () => {
  const value = new Array(20_000).fill(new Array(10_000))
  const bytes = Uint8Array.from(encode(value, 'output'))
  const before = process.memoryUsage().heapUsed
  const decoded = decode(bytes) as unknown[][]
  // With all places it would be 1.6 GB.
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
  assert.deepEqual([decoded[19_999]?.length, 0 in (decoded[5] ?? [])], [10_000, false])
  for (const length of [5, 40, 1000, 100_000]) {
    const array: unknown[] = new Array(length)
    array[3] = 'x'
    array[length - 1] = -0
    assert.deepStrictEqual(decode(encode(array, 'input')), array)
  }
})

test('many small objects and deep chains of arrays are encoded and decoded', () => {
  let chain: unknown[] = []
  for (let level = 0; level < 490; level++) chain = [chain]
  const chains = Array.from({ length: 200 }, () => structuredClone(chain))
  assert.deepStrictEqual(decode(Uint8Array.from(encode(chains, 'input'))), chains)
  const objects = Array.from({ length: 300_000 }, () => ({}))
  assert.equal((decode(Uint8Array.from(encode(objects, 'input'))) as object[]).length, 300_000)
})

test('an object of more than 1024 keys counts as one that has a table', () => {
  assert.deepEqual([1, 1024, 1025].map(objectMemory), [32, 32 * 1024, 96 * 1025])
})

test('a tag counts for the part right behind it alone', () => {
  const tagged = [0xd9, 0x01, 0x02]
  const array = [0x83, 0x01, 0x02, 0x03]
  for (const part of [[0x01], [0xf6], [0x61, 0x61]]) {
    const before = assertWellFormed(Uint8Array.of(0x82, ...array, ...tagged, ...part))
    assert.equal(assertWellFormed(Uint8Array.of(0x82, ...tagged, ...part, ...array)), before)
  }
})
