import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, takeRoomBefore } from '../../src/codec/codec.js'

/** What arrives of a value that is sent. */
function sent(value: unknown): unknown {
  return decode(Uint8Array.from(encode(value, 'input')))
}

function assertArrives(value: unknown): void {
  assert.deepStrictEqual(sent(value), value)
}

test('primitive values arrive as they left', () => {
  for (const value of [undefined, null, true, false, '', 'text', 'é€😀', '\u0000']) assertArrives(value)
  for (const value of [0, -0, 1, -1, 23, 24, 255, 65_536, 2 ** 31, 2 ** 32, -(2 ** 31), -(2 ** 32) - 1])
    assertArrives(value)
  for (const value of [0.1, 1e300, 5e-324, Number.MAX_SAFE_INTEGER, Number.NaN, 1 / 0, -1 / 0])
    assertArrives(value)
})

test('a BigInt of any size arrives as it left', () => {
  for (const bits of [0n, 1n, 31n, 32n, 53n, 63n, 64n, 65n, 128n, 100_000n])
    for (const value of [2n ** bits - 1n, 2n ** bits, -(2n ** bits), -(2n ** bits) - 1n]) assertArrives(value)
})

test('text that UTF-8 cannot hold arrives as it left, as a key too', () => {
  for (const text of ['\ud800', 'a\udc00b', '\ude00\ud83d', '\ufeff', `\ufeff${'x'.repeat(100)}`]) {
    assertArrives(text)
    assertArrives({ [text]: [text] })
    assertArrives(new Map([[text, new Set([text])]]))
  }
  const long = { text: '😀'.repeat(30_000), ['k'.repeat(70_000)]: 'é'.repeat(300) }
  assertArrives(long)
})

test('dates arrive to the millisecond', () => {
  for (const ms of [0, 5, -1, 1e12 + 1, 2 ** 32 * 1000, 8.64e15, -8.64e15, 4_552_167_437_834_879])
    assert.equal((sent(new Date(ms)) as Date).getTime(), ms)
  const invalid = sent(new Date(Number.NaN))
  assert.ok(invalid instanceof Date)
  assert.ok(Number.isNaN(invalid.getTime()))
})

test('regular expressions arrive with their flags, to be used from the start', () => {
  const used = /a/g
  used.lastIndex = 3
  for (const regex of [/a+\/"\n/dgimsuy, /(?:)/, /\ud800/, used]) {
    const { source, flags, lastIndex } = sent(regex) as RegExp
    assert.deepEqual([source, flags, lastIndex], [regex.source, regex.flags, 0])
  }
})

test('objects arrive with every key, in order', () => {
  assertArrives({})
  assertArrives({ b: undefined, a: { c: null }, 2: 'two', 1: 'one', '': 0, constructor: 'x', toJSON: 1 })
  assertArrives({ hasOwnProperty: 1, length: 2, byteLength: 4, size: 5, valueOf: 6 })
  assert.deepEqual(Object.keys(sent({ b: 1, a: 2 }) as object), ['b', 'a'])
  const large = Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`key ${index}`, index]))
  assertArrives([large, 'and what follows it'])
})

test('a key named __proto__ is data like any other', () => {
  const hostile: unknown = JSON.parse('{ "__proto__": { "polluted": 1 }, "constructor": { "prototype": 2 } }')
  const arrived = sent({ deep: [hostile] }) as { deep: [object] }
  assert.deepEqual(Object.keys(arrived.deep[0]), ['__proto__', 'constructor'])
  assert.equal(Object.getPrototypeOf(arrived.deep[0]), Object.prototype)
  assert.equal(({} as { polluted?: number }).polluted, undefined)
  assertArrives(arrived)
})

test('an object without a prototype arrives as a plain one', () => {
  const bare: unknown = Object.assign(Object.create(null), { a: -0, b: [1] })
  assert.deepStrictEqual(sent(bare), { a: -0, b: [1] })
})

test('arrays arrive with their holes', () => {
  assertArrives([])
  assertArrives([1, undefined, null, [], [[-0]]])
  // biome-ignore lint/suspicious/noSparseArray: it is what is tested.
  assertArrives([, 1, , [, 'inner'], , ,])
  const distant: unknown[] = []
  distant[4_000_000_000] = 'far away'
  const arrived = sent(distant) as unknown[]
  assert.deepEqual([arrived.length, Object.entries(arrived)], [4_000_000_001, [['4000000000', 'far away']]])
})

test('Maps and Sets arrive with keys and members of any kind, in order', () => {
  const map = new Map<unknown, unknown>([
    [{ key: 1 }, new Map([[Number.NaN, new Set([undefined])]])],
    [1n, { plain: new Map() }],
    ['b', 2],
    ['a', new Date(5)],
    [null, [new Map([[1, { object: 'in a map' }]])]],
  ])
  assertArrives(map)
  assertArrives({ after: new Set([map, {}, [], 'x']), object: { inner: 1 } })
  assert.deepEqual([...(sent(new Set([3, 1, 2])) as Set<number>)], [3, 1, 2])
})

test('bytes and every typed array arrive as they left', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index * 37)
  const { buffer } = bytes
  for (const View of [
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
    BigUint64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    BigInt64Array,
    Float32Array,
    Float64Array,
  ]) {
    for (const view of [new View(buffer), new View(buffer, 16, 2), new View(0)]) {
      assertArrives({ before: 'x', view })
      assertArrives(view)
    }
  }
  assertArrives([Buffer.from('text'), Buffer.alloc(0), Buffer.alloc(100_000, 7), bytes, buffer])
  const view = sent(new DataView(buffer, 8, 16)) as DataView
  assert.ok(view instanceof DataView)
  assert.deepEqual(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), bytes.subarray(8, 24))
  assert.ok(sent(buffer) instanceof ArrayBuffer)
})

test('a view carries what it shows, not the buffer behind it', () => {
  const view = new Uint8Array(1_000_000).subarray(10, 20)
  assert.ok(encode(view, 'input').byteLength < 20)
  const arrived = sent(view) as Uint8Array
  assert.equal(arrived.buffer.byteLength, 10)
})

test('a small value that is encoded after a large one keeps no large buffer in memory', () => {
  const large = encode({ text: 'x'.repeat(1_000_000), bytes: new Uint8Array(5_000_000) }, 'input')
  assert.ok(large.byteLength > 6_000_000)
  for (const small of [encode([1, 2], 'input'), encode('text', 'output')])
    assert.ok(small.buffer.byteLength < 100_000, `${small.buffer.byteLength} bytes`)
  assert.ok(encode('x'.repeat(100_000), 'input').byteLength > 100_000)
})

test('a large value has room before it, that can be taken once and is no other value’s', () => {
  const large = new Uint8Array(100_000).fill(7)
  const bytes = encode({ large }, 'input')
  assert.equal(takeRoomBefore(bytes, 1000), undefined)
  const whole = takeRoomBefore(bytes, 200)
  assert.equal(whole?.byteLength, bytes.byteLength + 200)
  whole?.fill(0xff, 0, 200)
  assert.deepEqual(decode(bytes), { large })
  assert.equal(takeRoomBefore(bytes, 200), undefined)
})

test('small values, and text that takes more bytes than it has characters, have no room before them', () => {
  assert.equal(takeRoomBefore(encode(new Uint8Array(1000), 'input'), 20), undefined)
  const text = '€'.repeat(100_000)
  const bytes = encode(text, 'input')
  assert.equal(takeRoomBefore(bytes, 20), undefined)
  assert.equal(decode(bytes), text)
  // What comes next is encoded elsewhere.
  encode(new Uint8Array(100_000), 'input')
  assert.equal(decode(bytes), text)
})

test('what is decoded is a copy: it shares no memory with the bytes, nor with other values', () => {
  const value = [Buffer.from('abcd'), new Uint8Array([1]), new Float32Array([2]), new Uint8Array([3]).buffer]
  const bytes = Uint8Array.from(encode(value, 'input'))
  const first = decode(bytes) as typeof value
  const second = decode(bytes) as typeof value
  bytes.fill(0xff)
  assert.deepStrictEqual(first, value)
  const buffers = [...first, ...second].map((each) => (ArrayBuffer.isView(each) ? each.buffer : each))
  assert.equal(new Set([...buffers, bytes.buffer]).size, 9)
  assert.equal(Buffer.from('abcd').buffer.byteLength > 4, true, 'Buffers are made in a pool')
  assert.deepEqual(
    buffers.map(({ byteLength }) => byteLength),
    [4, 1, 4, 1, 4, 1, 4, 1],
  )
})
