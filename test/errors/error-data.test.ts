import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { type ErrorData, toError, toErrorData } from '../../src/errors/error-data.js'

test('an error goes to data and back with name, message, stack, code and causes', () => {
  const error = Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), { code: 'E_OUTER' })
  const data = toErrorData(error)
  assert.deepEqual(
    [data.name, data.message, data.stack, data.code],
    ['TypeError', 'outer', error.stack, 'E_OUTER'],
  )
  const back = toError(data)
  assert.ok(back instanceof Error)
  assert.deepEqual(toErrorData(back), data)
  assert.equal((back.cause as Error).message, 'inner')
  assert.equal('code' in toError(toErrorData(new Error('plain'))), false)
})

test('whatever was thrown becomes data that says what it was', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  for (const [thrown, message] of [
    ['text', 'thrown: text'],
    [undefined, 'thrown: undefined'],
    [null, 'thrown: null'],
    [42, 'thrown: 42'],
    [5n, 'thrown: 5'],
    [Symbol('s'), 'thrown: Symbol(s)'],
    [{ a: 1 }, 'thrown: {"a":1}'],
    [cyclic, 'thrown: [object Object]'],
    [Object.create(null), 'thrown: {}'],
  ] as const)
    assert.deepEqual(toErrorData(thrown), { name: 'NonError', message })
  assert.match(toErrorData(() => 1).message, /^thrown: \(\) => 1$/)
})

test('errors of another realm, and objects that look like errors, are taken for errors', () => {
  const foreign = toErrorData(runInNewContext('new TypeError("foreign")'))
  assert.deepEqual([foreign.name, foreign.message], ['TypeError', 'foreign'])
  assert.deepEqual(toErrorData({ name: 'AbortError', message: 'stopped' }), {
    name: 'AbortError',
    message: 'stopped',
  })
})

test('an error whose members are no text, or throw, becomes data all the same', () => {
  const numeric = Object.assign(new Error('x'), { code: 7, name: 5, message: null })
  const data = toErrorData(numeric)
  assert.deepEqual([data.name, data.message, data.code], ['5', 'null', '7'])
  const odd = Object.assign(new Error('x'), { message: Object.create(null), code: {} })
  assert.match(toErrorData(odd).message, /cannot be read/)
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('trap')
    },
  })
  assert.match(toErrorData(hostile).message, /cannot be read/)
})

test('long texts and long or circular chains of causes are cut', () => {
  const long = toErrorData(new Error('x'.repeat(100_000)))
  assert.equal(long.message.length, 16_384)
  assert.equal(long.stack?.length, 16_384)
  const circular = new Error('round')
  circular.cause = circular
  let depth = 0
  for (let data: ErrorData | undefined = toErrorData(circular); data; data = data.cause) depth++
  assert.equal(depth, 6)
})
