import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { decode, encode } from '../../src/codec/codec.js'
import {
  type ErrorData,
  isErrorData,
  isStoredFailure,
  toError,
  toErrorData,
} from '../../src/errors/error-data.js'

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
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  class Failed {
    reason = 'x'
  }
  for (const [thrown, message] of [
    ['text', 'thrown: text'],
    [undefined, 'thrown: undefined'],
    [null, 'thrown: null'],
    [42, 'thrown: 42'],
    [5n, 'thrown: 5'],
    [Symbol('s'), 'thrown: Symbol(s)'],
    [() => 1, 'thrown: () => 1'],
    [[1, ['a', 5n]], 'thrown: [1,["a","5n"]]'],
    [new Map([[1, new Set([2])]]), 'thrown: [[1,[2]]]'],
    [new Date(0), 'thrown: "1970-01-01T00:00:00.000Z"'],
    [{ a: 1 }, 'thrown: {"a":1}'],
    [new Failed(), 'thrown: Failed {"reason":"x"}'],
    [cyclic, 'thrown: {"self":"[Circular]"}'],
    [Object.create(null), 'thrown: {}'],
    [proxy, 'thrown: something that cannot be read'],
  ] as const) {
    const { members: _, ...data } = toErrorData(thrown)
    assert.deepEqual(data, { name: 'NonError', message })
  }
})

test('an object that was thrown keeps its members and their types', () => {
  const data = toErrorData({ code: 42, status: 503, nested: { at: new Date(5) } })
  assert.deepEqual([data.code, data.members], [42, { status: 503, nested: { at: new Date(5) } }])
  const error = toError(data) as Error & { code: number; status: number }
  assert.deepEqual([error.name, error.code, error.status], ['NonError', 42, 503])
  assert.deepEqual(toErrorData({ code: { major: 1 } }).members, { code: { major: 1 } })
  assert.deepEqual(toErrorData(new Error('x', { cause: { code: 7 } })).cause, {
    name: 'NonError',
    message: '{"code":7}',
    code: 7,
  })
})

test('errors of another realm, and objects that look like errors, are taken for errors', () => {
  const foreign = toErrorData(runInNewContext('new TypeError("foreign")'))
  assert.deepEqual([foreign.name, foreign.message], ['TypeError', 'foreign'])
  assert.deepEqual(toErrorData({ name: 'AbortError', message: 'stopped' }), {
    name: 'AbortError',
    message: 'stopped',
  })
})

test('own members that can be sent are kept with their types, and come back as own members', () => {
  const error = Object.assign(new Error('x'), {
    code: 20,
    errno: -2,
    status: 503,
    issues: [{ path: ['a', 0], at: new Date(5), seen: new Set([1]) }],
    bytes: Buffer.from('ab'),
    inner: Object.assign(new RangeError('inner'), { code: 'E_INNER' }),
    big: 5n,
    send: () => 1,
    [Symbol('s')]: 1,
    socket: new URL('file:///a'),
  })
  const data = toErrorData(error)
  assert.equal(data.code, 20)
  assert.equal(toErrorData(new DOMException('x', 'AbortError')).code, 20)
  const { inner, ...members } = data.members as Record<string, unknown>
  assert.deepEqual(members, {
    errno: -2,
    status: 503,
    issues: [{ path: ['a', 0], at: new Date(5), seen: new Set([1]) }],
    bytes: Uint8Array.of(97, 98),
    big: 5n,
    socket: '[URL]',
  })
  const { name, message, code } = inner as { name: string; message: string; code: string }
  assert.deepEqual([name, message, code], ['RangeError', 'inner', 'E_INNER'])
  const back = toError(data)
  assert.deepEqual(Object.keys(back).sort(), [...Object.keys(data.members ?? {}), 'code'].sort())
  assert.deepEqual(decode(encode(data, 'error')), data)
})

test('an AggregateError keeps its errors, an error of a class that is built in comes back as one', () => {
  const data = toErrorData(new AggregateError([new TypeError('one'), 'two'], 'all'))
  assert.deepEqual(
    data.errors?.map(({ name, message }) => [name, message]),
    [
      ['TypeError', 'one'],
      ['NonError', 'two'],
    ],
  )
  const back = toError(data) as AggregateError
  assert.ok(back instanceof AggregateError)
  assert.ok(back.errors[0] instanceof TypeError)
  assert.deepEqual(Object.keys(back), [])
  // Other errors use the name for plain data, and some hold errors as an AggregateError does.
  const invalid = Object.assign(new Error('x'), { errors: [{ field: 'a' }] })
  assert.deepEqual(toErrorData(invalid).members, { errors: [{ field: 'a' }] })
  const joined = toErrorData(Object.assign(new Error('x'), { errors: [new Error('in it')] }))
  assert.equal(joined.errors?.[0]?.message, 'in it')
  const many = toErrorData(new AggregateError(Array.from({ length: 90 }, () => new Error('x'))))
  assert.deepEqual([many.errors?.length, many.errors?.[20]?.message], [21, '70 more errors are not kept'])
})

test('a shown error is short, and its stack is that of the thread', () => {
  const data = { ...toErrorData(new RangeError('x')), members: { status: 5 } }
  const shown = inspect(toError(data))
  assert.ok(shown.startsWith(data.stack ?? 'none'), shown)
  assert.match(shown, /\{\s*status: 5\s*\}$/)
  assert.equal(toError({ name: 'TimeoutError', message: 'late' }).stack, 'TimeoutError: late')
})

test('an error whose members are no text, or throw, becomes data all the same', () => {
  const numeric = Object.assign(new Error('x'), { code: 7, name: 5, message: null })
  const data = toErrorData(numeric)
  assert.deepEqual([data.name, data.message, data.code], ['5', 'null', 7])
  const odd = Object.assign(new Error('x'), { message: Object.create(null), code: {} })
  assert.match(toErrorData(odd).message, /cannot be read/)
  const trap = {
    get() {
      throw new Error('trap')
    },
    enumerable: true,
  }
  const error = new Error('x')
  // V8 formats it when it is read first, with the message.
  assert.match(error.stack ?? '', /^Error: x\n/)
  const hostile = Object.defineProperties(error, { message: trap, status: trap, cause: trap })
  const kept = toErrorData(hostile)
  assert.deepEqual(
    [kept.name, kept.message, kept.members, kept.cause?.message],
    ['Error', '(cannot be read)', { status: '(cannot be read)' }, '(cannot be read)'],
  )
  assert.match(kept.stack ?? '', /^Error: x\n/)
  assert.equal(toErrorData(Object.freeze(new Error('frozen'))).message, 'frozen')
  const proxied = new Proxy(new Error('proxied'), { getPrototypeOf: trap.get, ownKeys: trap.get })
  assert.equal(toErrorData(proxied).message, 'proxied')
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const holding = toErrorData(Object.assign(new Error('x', { cause: proxy }), { proxy }))
  assert.deepEqual(
    [holding.message, holding.cause?.message, holding.members],
    ['x', 'thrown: something that cannot be read', { proxy: '(cannot be read)' }],
  )
})

test('a long message is cut with a count, and the frames behind it remain', () => {
  const { message, stack } = toErrorData(new Error('x'.repeat(100_000)))
  assert.equal(message, `${'x'.repeat(8192)}… (91808 more characters)`)
  assert.ok(stack?.startsWith(`Error: ${message}\n    at `))
  assert.match(stack ?? '', /error-data\.test/)
})

test('what is kept of an error is bounded, whatever it holds', () => {
  const text = 'x'.repeat(20_000)
  const tree = (depth: number): unknown =>
    depth === 0 ? text : Array.from({ length: 12 }, () => ({ a: tree(depth - 1), b: new Map([[text, 1]]) }))
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`${text.slice(0, 1000)}${index}`, index]),
  )
  const deep = (levels: number): Error => new Error(text, { cause: levels > 0 ? deep(levels - 1) : tree(3) })
  for (const thrown of [
    Object.assign(deep(4), { tree: tree(3), many }),
    Object.assign(new Error('x'), many),
    Object.assign(new Error('x'), { code: text, name: text, stack: text, bytes: new Uint8Array(1e6) }),
    new AggregateError(Array.from({ length: 1000 }, () => deep(9))),
    many,
    tree(3),
    text,
  ])
    assert.ok(encode(toErrorData(thrown), 'error').byteLength < 100_000)
  const cut = toErrorData(Object.assign(new Error('x'), { list: new Array(5000).fill(1) }))
  const nested = { a: { b: { c: { d: 1 }, list: [1], map: new Map(), set: new Set() } } }
  assert.deepEqual(toErrorData(Object.assign(new Error('x'), { nested })).members, {
    nested: { a: { b: { c: '[Object]', list: '[Array]', map: '[Map]', set: '[Set]' } } },
  })
  const { list = [] } = cut.members as { list?: unknown[] }
  assert.equal(list.at(-1), '… 4502 more items')
})

test('long and circular chains of causes are cut, and say so', () => {
  const chain = (levels: number): Error => new Error('x', levels > 0 ? { cause: chain(levels - 1) } : {})
  const messages = (data?: ErrorData): string[] => (data ? [data.message, ...messages(data.cause)] : [])
  assert.deepEqual(messages(toErrorData(chain(9))), [
    ...new Array(6).fill('x'),
    'more than 5 levels of causes are not kept',
  ])
  assert.deepEqual(messages(toErrorData(chain(5))), new Array(6).fill('x'))
  const circular = new Error('round')
  circular.cause = new AggregateError([circular], 'again')
  const { cause } = toErrorData(circular)
  assert.equal(cause?.errors?.[0]?.message, 'refers back to an error that holds it (a cycle)')
})

test('data that is no error is known from data that is one', () => {
  const data = toErrorData(new AggregateError([new Error('x', { cause: 1 })]))
  assert.ok(isErrorData(data))
  assert.ok(isStoredFailure({ ...data, attempt: 1, at: 5 }))
  for (const wrong of [
    undefined,
    null,
    'x',
    {},
    { name: 'x' },
    { message: 'x' },
    { ...data, stack: 5 },
    { ...data, code: {} },
    { ...data, cause: null },
    { ...data, errors: {} },
    { ...data, errors: [5] },
    { ...data, members: 5 },
  ])
    assert.equal(isErrorData(wrong), false)
  assert.equal(isStoredFailure(data), false)
  assert.equal(isStoredFailure({ ...data, attempt: 1, at: 'now' }), false)
  assert.equal(isStoredFailure({ ...data, attempt: 1, at: 5, startedAt: 'then' }), false)
  const round: Record<string, unknown> = { name: 'x', message: 'x' }
  round.cause = round
  assert.equal(isErrorData(round), false)
})

test('a member that is a regular expression is kept as its text', () => {
  const thrown = Object.assign(new Error('no match'), { pattern: /a+/g })
  assert.deepEqual(toErrorData(thrown).members, { pattern: '/a+/g' })
})
