import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OptionError } from '../../src/errors/errors.js'
import { headOfOptions } from '../../src/job/enqueue-options.js'
import type { Place } from '../../src/job/job.js'
import { formatId, parseId } from '../../src/job/job-id.js'

const place = fc.record(
  {
    lane: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    priority: fc.integer({ min: -32_768, max: 32_767 }),
    seq: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  },
  { noNullPrototype: true },
)

/** The order in which jobs run, lane by lane. */
function compare(a: Place, b: Place): number {
  return a.lane - b.lane || a.priority - b.priority || a.seq - b.seq
}

test('an id is 24 hexadecimal digits that stand for a place', () => {
  assert.equal(formatId({ lane: 1, priority: 0, seq: 2 }), '000000018000000000000002')
  fc.assert(
    fc.property(place, (each) => {
      const id = formatId(each)
      assert.match(id, /^[0-9a-f]{24}$/)
      assert.deepEqual(parseId(id), each)
    }),
    { seed: 1 },
  )
})

test('ids sort as the jobs of a lane run', () => {
  fc.assert(
    fc.property(place, place, (a, b) => {
      const [idA, idB] = [formatId(a), formatId(b)]
      assert.equal(Math.sign(compare(a, b)), idA < idB ? -1 : idA > idB ? 1 : 0)
    }),
    { seed: 1 },
  )
})

test('text that is no id is told apart', () => {
  for (const text of ['', '00000001800000000000000', '0000000180000000000000020', '00000001800000000000000G'])
    assert.equal(parseId(text), undefined)
  assert.equal(parseId('00000001800000000000000A'), undefined)
  assert.equal(parseId('000000018000000000000002\n'), undefined)
  assert.equal(parseId(undefined as unknown as string), undefined)
  assert.equal(parseId(['000000018000000000000002'] as unknown as string), undefined)
})

test('options within their ranges are accepted', () => {
  for (const options of [
    {},
    { priority: -32_768, attempts: 1, timeout: 0, key: 'k' },
    { priority: 32_767, attempts: 1000, delay: 0.5, key: 'é'.repeat(512) },
    { delay: '5s', timeout: '1.5h', backoff: ['1s', 2] } as const,
    { runAt: new Date(0), backoff: [1], meta: null },
    { runAt: Date.now(), delay: undefined, priority: undefined } as { runAt: number },
  ])
    headOfOptions(options)
})

const DURATION =
  "a duration of at most 100 years: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d'"

test('options out of range, of the wrong type or unknown are refused by name', () => {
  for (const [options, message] of [
    [{ priority: 32_768 }, 'priority must be an integer from -32768 to 32767, got 32768'],
    [{ priority: 1.5 }, 'priority must be an integer from -32768 to 32767, got 1.5'],
    [{ priority: '1' }, 'priority must be an integer from -32768 to 32767, got "1"'],
    [{ priority: null }, 'priority must be an integer from -32768 to 32767, got null'],
    [
      { priority: Object.create(null) },
      'priority must be an integer from -32768 to 32767, got [object Object]',
    ],
    [{ attempts: 0 }, 'attempts must be an integer from 1 to 1000, got 0'],
    [{ attempts: Number.POSITIVE_INFINITY }, 'attempts must be an integer from 1 to 1000, got Infinity'],
    [{ delay: -1 }, `delay must be ${DURATION}, got -1`],
    [{ delay: Number.NaN }, `delay must be ${DURATION}, got NaN`],
    [{ delay: '5 seconds' }, `delay must be ${DURATION}, got "5 seconds"`],
    [{ delay: 5, runAt: 5 }, 'give delay or runAt, not both'],
    [{ runAt: new Date('never') }, 'runAt must be a Date, or a number of ms since 1970, got Invalid Date'],
    [{ runAt: '2030-01-01' }, 'runAt must be a Date, or a number of ms since 1970, got "2030-01-01"'],
    [{ timeout: -1 }, `timeout must be ${DURATION}, got -1`],
    [{ backoff: 'none' }, /^backoff must be a duration of at most 10 years/],
    [{ backoff: true }, /^backoff must be a delay, a list of delays, or/],
    [{ key: '' }, 'key must be a string of 1 to 1024 bytes, got 0 bytes'],
    [{ key: 'é'.repeat(513) }, 'key must be a string of 1 to 1024 bytes, got 1026 bytes'],
    [{ key: 5 }, 'key must be a string, got 5'],
    [{ key: 'a\ud800' }, 'key must be well-formed text, got "a\\ud800"'],
    [
      { retries: 3 },
      'enqueue() has no option "retries": use priority, delay, runAt, attempts, backoff, timeout, key, meta',
    ],
    [null, 'the options of enqueue() must be an object, got null'],
    ['fast', 'the options of enqueue() must be an object, got "fast"'],
  ] as const)
    assert.throws(
      () => headOfOptions(options as object),
      (error) => {
        assert.ok(error instanceof OptionError)
        if (typeof message === 'string') assert.equal(error.message, message)
        else assert.match(error.message, message)
        return true
      },
    )
})

test('nothing is stored of options left to their defaults', () => {
  for (const options of [undefined, {}, { priority: 5 }, { delay: 0 }, { meta: undefined, key: undefined }])
    assert.equal(headOfOptions(options as object), undefined)
  assert.deepEqual(headOfOptions({ attempts: 2, timeout: 0, key: 'k' }), {
    attempts: 2,
    timeout: 0,
    key: 'k',
  })
})

test('a delay and a date become the time at which the job is due, never earlier', () => {
  const before = Date.now()
  const { runAt = 0 } = headOfOptions({ delay: 1000.5 }) ?? {}
  assert.ok(runAt >= before + 1001 && runAt <= Date.now() + 1001)
  assert.equal(headOfOptions({ runAt: new Date(1234) })?.runAt, 1234)
  assert.equal(headOfOptions({ runAt: 1234.2 })?.runAt, 1235)
})

test('durations as text are stored in ms', () => {
  const before = Date.now()
  const { runAt = 0, ...rest } = headOfOptions({ delay: '2s', timeout: '1m', backoff: { base: '1s' } }) ?? {}
  assert.ok(runAt >= before + 2000 && runAt <= Date.now() + 2000)
  assert.deepEqual(rest, { timeout: 60_000, backoff: { base: 1000 } })
})
