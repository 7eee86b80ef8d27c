import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { decode, encode } from '../../src/codec/codec.js'

/** What arrives of a value that is sent. */
function sent(value: unknown): unknown {
  return decode(Uint8Array.from(encode(value, 'input')))
}

function assertArrives(value: unknown): void {
  assert.deepStrictEqual(sent(value), value)
}

test('errors arrive with type, name, message, stack, code and causes', () => {
  for (const Type of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
    const error = new Type('message', { cause: new Type('inner', { cause: { plain: -0 } }) })
    const arrived = sent(error) as Error
    assertArrives(error)
    assert.equal(Object.getPrototypeOf(arrived), Type.prototype)
    assert.equal(arrived.stack, error.stack)
    assert.deepEqual(Object.keys(arrived), [])
  }
  class CustomError extends TypeError {
    override name = 'CustomError'
  }
  const error = Object.assign(new CustomError('message'), { code: 'E_CUSTOM', errors: [{ field: 'a' }] })
  const arrived = sent({ error }) as { error: typeof error }
  assert.ok(arrived.error instanceof Error)
  const { name, message, stack, code, errors } = arrived.error
  assert.deepEqual(
    [name, message, stack, code, errors],
    ['CustomError', 'message', error.stack, 'E_CUSTOM', [{ field: 'a' }]],
  )
})

test('an AggregateError arrives with its errors, a system error with its code', () => {
  const aggregate = new AggregateError([new RangeError('first'), 'second'], 'message')
  assertArrives(aggregate)
  assert.ok(sent(aggregate) instanceof AggregateError)
  const system = Object.assign(new Error('ENOENT: no such file'), {
    errno: -2,
    code: 'ENOENT',
    syscall: 'open',
  })
  assertArrives(system)
  const aborted = sent(new DOMException('stopped', 'AbortError')) as Error
  assert.ok(aborted instanceof Error)
  assert.deepEqual([aborted.name, aborted.message], ['AbortError', 'stopped'])
})

test('an error with a key named __proto__ arrives as an error', () => {
  const error = new Error('message')
  Object.defineProperty(error, '__proto__', { value: { polluted: 1 }, enumerable: true })
  const arrived = sent(error) as Error
  assert.equal(Object.getPrototypeOf(arrived), Error.prototype)
  assert.deepEqual(Object.keys(arrived), ['__proto__'])
})

test('values of another realm arrive as values of this one', () => {
  const foreign: unknown = runInNewContext(`({
    list: [1, [-0]], map: new Map([[1, new Set([2])]]), date: new Date(5), regex: /a/g,
    bytes: new Uint8Array([1, 2]), floats: new Float64Array([0.5]), buffer: new Uint8Array([3]).buffer,
    view: new DataView(new ArrayBuffer(2)), bare: Object.create(null), nothing: undefined,
  })`)
  assert.deepStrictEqual(sent(foreign), {
    list: [1, [-0]],
    map: new Map([[1, new Set([2])]]),
    date: new Date(5),
    regex: /a/g,
    bytes: new Uint8Array([1, 2]),
    floats: new Float64Array([0.5]),
    buffer: new Uint8Array([3]).buffer,
    view: new DataView(new ArrayBuffer(2)),
    bare: {},
    nothing: undefined,
  })
  const error = sent(runInNewContext('new TypeError("foreign")')) as Error
  assert.equal(Object.getPrototypeOf(error), TypeError.prototype)
  assert.equal(error.message, 'foreign')
})

test('subclasses of arrays, Maps, Sets, Dates and typed arrays arrive as what they extend', () => {
  class List extends Array<number> {}
  class Bytes extends Uint8Array {}
  class Dictionary extends Map<number, number> {}
  class Group extends Set<number> {}
  class Day extends Date {}
  const value = [List.from([1, 2]), new Bytes([3]), new Dictionary([[1, 2]]), new Group([4]), new Day(5)]
  assert.deepStrictEqual(sent(value), structuredClone(value))
})

test('an object met twice arrives as two', () => {
  const shared = { a: [1] }
  const arrived = sent([shared, { again: shared }]) as [object, { again: object }]
  assert.deepStrictEqual(arrived, [shared, { again: shared }])
  assert.notEqual(arrived[0], arrived[1].again)
})

test('the value that is sent is left as it was', () => {
  const value = Object.freeze({ zero: -0, list: Object.freeze(['\ud800', -0]), map: new Map([[-1n, -0]]) })
  const before = structuredClone(value)
  encode(value, 'input')
  assert.deepStrictEqual(value, before)
})
