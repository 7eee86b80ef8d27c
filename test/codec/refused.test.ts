import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '../../src/codec/codec.js'
import { TooLargeError, ValueError } from '../../src/errors/errors.js'

function refusal(value: unknown): string {
  try {
    encode(value, 'input')
  } catch (error) {
    assert.ok(error instanceof ValueError, String(error))
    assert.equal(error.code, 'MILLRACE_VALUE')
    assert.ok(error.message.startsWith(`${error.path} `))
    return error.message
  }
  return assert.fail('it was not refused')
}

const nothing = () => {}

test('what is no data is refused with its path, and with what to do', () => {
  assert.equal(
    refusal({ items: [0, 1, 2, { onDone: nothing }] }),
    'input.items[3].onDone is a function: only data can be sent to a worker',
  )
  assert.equal(refusal(nothing), 'input is a function: only data can be sent to a worker')
  assert.equal(refusal([Symbol('a')]), 'input[0] is a symbol: only data can be sent to a worker')
  assert.equal(refusal({ p: Promise.resolve() }), 'input.p is a Promise: await it first')
})

test('a path shows names that are no identifiers, and the places in Maps, Sets and errors', () => {
  const paths: [unknown, string][] = [
    [{ 'a b': { '0': nothing } }, 'input["a b"]["0"]'],
    [{ ['__proto__']: nothing }, 'input.__proto__'],
    [{ 'a"b': nothing }, 'input["a\\"b"]'],
    [new Map([['name', { x: nothing }]]), 'input.get("name").x'],
    [new Map([[5n, nothing]]), 'input.get(5n)'],
    [
      new Map<unknown, unknown>([
        [1, 1],
        [null, nothing],
      ]),
      'input.get(null)',
    ],
    [new Map([[Object.create(null), [nothing]]]), 'input.values()[0][0]'],
    [
      new Map<unknown, unknown>([
        [1, 2],
        [[nothing], 3],
      ]),
      'input.keys()[1][0]',
    ],
    [new Set([1, [nothing]]), 'input.values()[1][0]'],
    [new Error('x', { cause: { retry: nothing } }), 'input.cause.retry'],
    [Object.assign(new Error('x'), { config: { send: nothing } }), 'input.config.send'],
    [new AggregateError([1, nothing]), 'input.errors[1]'],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested.
    [[, , [nothing]], 'input[2][0]'],
  ]
  for (const [value, path] of paths) assert.equal(refusal(value).split(' is a ')[0], path)
})

test('class instances are refused by the name of their class', () => {
  class Job {
    name = 'x'
  }
  for (const [value, name] of [
    [new Job(), 'Job'],
    [new WeakMap(), 'WeakMap'],
    [new WeakSet(), 'WeakSet'],
    [new URL('file:///a'), 'URL'],
    [new Blob([]), 'Blob'],
    [new AbortController().signal, 'AbortSignal'],
    [Object(1), 'Number'],
    [Object('text'), 'String'],
    [Object(1n), 'BigInt'],
    [Object(Symbol()), 'Symbol'],
    [new SharedArrayBuffer(1), 'SharedArrayBuffer'],
    [Object.create(Date.prototype), 'Date'],
    [Object.create({}), 'Object'],
    [new (class {})(), 'class'],
  ] as const)
    assert.equal(
      refusal({ value }),
      `input.value is an instance of ${name}: send its data as a plain object`,
      String(name),
    )
})

test('keys that are symbols are refused', () => {
  assert.equal(
    refusal({ a: { [Symbol('secret')]: 1 } }),
    'input.a[Symbol(secret)] is keyed by a symbol: use a string',
  )
  assert.match(refusal([new Map([[Symbol('key'), 1]])]), /^input\[0\]\.keys\(\)\[0\] is a symbol/)
})

test('memory that is shared or detached is refused', () => {
  assert.match(refusal({ v: new Uint8Array(new SharedArrayBuffer(8)) }), /^input\.v is a view on shared mem/)
  const detached = new ArrayBuffer(8)
  structuredClone(detached, { transfer: [detached] })
  assert.match(refusal({ detached }), /^input\.detached cannot be read: .*detached/)
})

test('cycles are refused through objects, arrays, Maps, Sets and errors', () => {
  const object: Record<string, unknown> = {}
  object.self = { object }
  assert.match(refusal(object), /^input\.self\.object refers back to an object that holds it/)
  const array: unknown[] = []
  array.push([array])
  assert.match(refusal({ array }), /^input\.array\[0\]\[0\] refers back/)
  const map = new Map<unknown, unknown>()
  map.set(map, 1)
  assert.match(refusal(map), /^input\.keys\(\)\[0\] refers back/)
  const set = new Set<unknown>()
  set.add({ set })
  assert.match(refusal(set), /^input\.values\(\)\[0\]\.set refers back/)
  const error = new Error('x')
  error.cause = error
  assert.match(refusal(error), /^input\.cause refers back/)
})

test('a cycle is named where what is in it has become too large', () => {
  const round: Record<string, unknown> = { list: [{ text: 'x'.repeat(100_000) }] }
  round.deep = { round }
  const limit = { bytes: 1_000_000, option: 'maxJobBytes' }
  assert.throws(
    () => encode(round, 'input', limit),
    /input\.deep\.round refers back to an object that holds it/,
  )
})

test('500 levels are carried, 501 refused', () => {
  const nested = (levels: number, wrap: (inner: unknown) => unknown) => {
    let value: unknown = 'core'
    for (let level = 0; level < levels; level++) value = wrap(value)
    return value
  }
  for (const wrap of [
    (inner: unknown) => [inner],
    (a: unknown) => ({ a }),
    (a: unknown) => new Map([[a, 1]]),
  ]) {
    encode(nested(500, wrap), 'input')
    assert.match(refusal(nested(501, wrap)), / is nested deeper than 500 levels$/)
  }
  assert.match(
    refusal(nested(100_000, (inner) => new Error('x', { cause: inner }))),
    /^input(\.cause){15}…(\.cause){15} is nested deeper/,
  )
})

test('getters and proxies that throw are refused with their error', () => {
  const throwing = {
    get inner(): never {
      throw new RangeError('not now')
    },
  }
  assert.equal(refusal([throwing]), 'input[0].inner cannot be read: not now')
  assert.throws(
    () => encode(throwing, 'input'),
    (error: ValueError) => error.cause instanceof RangeError,
  )
  const trap = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('trapped')
      },
    },
  )
  assert.equal(refusal({ trap }), 'input.trap cannot be read: trapped')
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  assert.match(refusal({ a: [proxy] }), /^input\.a\[0\] cannot be read: .*revoked/)
  let calls = 0
  const fickle = {
    get value() {
      return ++calls > 1 ? nothing : 1
    },
  }
  assert.match(refusal(fickle), /^input cannot be encoded: /)
})

test('after a refusal the next value is encoded as ever', () => {
  const bytes = Uint8Array.from(encode({ a: [1, 'x'] }, 'input'))
  refusal({ a: [1, nothing] })
  assert.deepEqual(Uint8Array.from(encode({ a: [1, 'x'] }, 'input')), bytes)
})

test('a value larger than the limit is refused by the name of the option', () => {
  const limit = { bytes: 1000, option: 'maxJobBytes' }
  for (const value of [Buffer.alloc(990), new Array(990).fill([]), new Array(240).fill({ a: 1 })])
    encode(value, 'input', limit)
  for (const value of [
    Buffer.alloc(1001),
    new ArrayBuffer(1001),
    'x'.repeat(1001),
    '€'.repeat(400),
    { ['k'.repeat(1001)]: 1 },
    2n ** 8001n,
    new Array(1000).fill([]),
    new Map(Array.from({ length: 500 }, (_, index) => [index, 1])),
    new Set(Array.from({ length: 1000 }, (_, index) => index)),
  ])
    assert.throws(
      () => encode(value, 'input', limit),
      (error) => {
        assert.ok(error instanceof TooLargeError)
        assert.equal(error.code, 'MILLRACE_TOO_LARGE')
        assert.match(error.message, /^input is larger than maxJobBytes \(1000 bytes\): raise that option, or/)
        return true
      },
    )
})

test('a small graph that unfolds to a huge tree is refused before it is unfolded', () => {
  const unfold = (leaf: unknown) => {
    let value = leaf
    for (let level = 0; level < 400; level++)
      value = level % 2 === 0 ? [value, value] : { a: value, b: value }
    return value
  }
  for (const leaf of [0, 'x', -0, new Map([[1, -0]])])
    assert.throws(
      () => encode(unfold(leaf), 'output'),
      /^TooLargeError: output (is larger than 1073741824 bytes|would take more than 536870912 bytes of mem)/,
    )
  const long = 'x'.repeat(1_000_000)
  assert.throws(() => encode(new Array(2000).fill(long), 'output'), { code: 'MILLRACE_TOO_LARGE' })
})

test('an object that is met often is checked for depth wherever it is met', () => {
  let deep: unknown = []
  for (let level = 0; level < 300; level++) deep = [deep]
  let outer: unknown = deep
  for (let level = 0; level < 250; level++) outer = { outer }
  const many = Array.from({ length: 12_000 }, () => [])
  assert.match(refusal([many, deep, outer]), /is nested deeper than 500 levels$/)
  // The deepest part counts, wherever it is among the others.
  const mixed = [deep, ...new Array(300).fill(1), []]
  let around: unknown = mixed
  for (let level = 0; level < 250; level++) around = [around]
  assert.match(refusal([many, mixed, around]), /is nested deeper than 500 levels$/)
})
