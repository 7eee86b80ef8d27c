import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameOfJson, parseExactly } from '../../../src/cli/run/exact-json.js'

const EXACT = [
  '0',
  '-0',
  '-0.0e5',
  '1.50',
  '100',
  '0.1',
  '1e3',
  '1E+22',
  '9007199254740991',
  '9007199254740993000000000000000000000e-18',
  '0.30000000000000004',
  '0.10000000000000001',
  '123456789012345680000',
  '5e-324',
  '1.7976931348623157e308',
  `1${'0'.repeat(300)}`,
  '0e999',
]
const CHANGED = [
  '50000000014435121',
  '9007199254740993',
  '-9007199254740993',
  '3.141592653589793239',
  '1e400',
  '-1e400',
  '1e-400',
  '3e-324',
  `0.${'1'.repeat(200)}`,
]

test('a number that a double holds, with the digits it was written with, is taken', () => {
  for (const number of EXACT) {
    assert.equal(parseExactly(number), Number(number))
    assert.deepEqual(parseExactly(`{"a":[${number},"x"]}`), { a: [Number(number), 'x'] })
  }
})

test('a number that would be changed is refused, wherever it stands, and named', () => {
  for (const number of CHANGED)
    for (const json of [number, `[1, ${number} ]`, `{"a\\\\":{"b":${number}}}`])
      assert.throws(() => parseExactly(json), {
        name: 'RangeError',
        message: new RegExp(`^the number ${number.slice(0, 60)}.* would become `),
      })
})

test('numbers inside of strings are text', () => {
  const text = JSON.stringify({ '1e400': '"50000000014435121\\', b: ['\\"1e400', '\\\\'] })
  assert.deepEqual(parseExactly(text), JSON.parse(text))
})

test('a name that is twice in one object is refused, however it is written', () => {
  const twice = { name: 'RangeError', message: /^an object has the name .* twice$/ }
  assert.throws(() => parseExactly('{"a":1,"a":2}'), twice)
  assert.throws(() => parseExactly('[{"b":{"a":1, "\\u0061" : 1}}]'), twice)
  assert.throws(() => parseExactly('{"a":{"a":1},"b":[{"a":1}],"a":2}'), twice)
  const nested = '{"a":{"a":["a","a"]},"b":{"a":"a"},"c":[{"a":1},{"a":2}]}'
  assert.deepEqual(parseExactly(nested), JSON.parse(nested))
})

test('what is not JSON is a SyntaxError', () => {
  for (const text of ['', '{', '{"a":1', '01', 'NaN', '"a', "{'a':1}", '\uFEFF1'])
    assert.throws(() => parseExactly(text), SyntaxError, text)
})

test('a number is taken as JSON.stringify writes it, also where its next digit would be rounded up', () => {
  for (const number of [5_287_694_472_982_641 / 4, -5_287_694_472_982_641 / 4, 5e-324, 2 ** 53 + 2])
    assert.equal(parseExactly(JSON.stringify(number)), number)
})

test('whatever JSON.stringify writes is taken, and is the value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      assert.deepEqual(parseExactly(text), JSON.parse(text))
    }),
  )
})

test('values have the same name if they are the same, down to the sign of zero', () => {
  const names = [
    '0',
    '-0',
    '[0,-0]',
    '[-0,0]',
    '"-0"',
    '{"a":-0,"b":"-0"}',
    '{"a":"-0","b":-0}',
    '{"a":0}',
  ].map((text) => nameOfJson(parseExactly(text)))
  assert.equal(new Set(names).size, names.length)
  assert.equal(nameOfJson(parseExactly(' [ 1.0, "a"] ')), nameOfJson(parseExactly('[1e0,"\\u0061"]')))
})
