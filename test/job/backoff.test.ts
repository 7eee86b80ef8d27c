import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../src/errors/errors.js'
import { type BackoffMs, backoffDelay, backoffInMs, DEFAULT_BACKOFF } from '../../src/job/backoff.js'

const delays = (backoff: BackoffMs, random: () => number): number[] =>
  [1, 2, 3, 4].map((failures) => backoffDelay(backoff, failures, random))
const none = () => 0
const all = () => 1

const DELAY =
  "a duration of at most 10 years: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d'"

test('a number is the delay after each failure', () => {
  assert.deepEqual(delays(250, all), [250, 250, 250, 250])
  assert.deepEqual(delays(0, all), [0, 0, 0, 0])
})

test('a list gives the delays in turn, and its last one repeats', () => {
  assert.deepEqual(delays([10, 20], all), [10, 20, 20, 20])
})

test('exponential delays grow by their factor up to their cap', () => {
  assert.deepEqual(delays({ base: 100, factor: 3, cap: 1000 }, none), [100, 300, 900, 1000])
  assert.deepEqual(delays(DEFAULT_BACKOFF, none), [1000, 2000, 4000, 8000])
  assert.equal(backoffDelay(DEFAULT_BACKOFF, 1000, none), 3_600_000)
  assert.equal(backoffDelay({ factor: 1000 }, 1_000_000, none), 3_600_000)
})

test('jitter takes a share of the delay away, at most all of it', () => {
  assert.deepEqual(delays(DEFAULT_BACKOFF, all), [800, 1600, 3200, 6400])
  assert.equal(
    backoffDelay({ base: 100, jitter: 0.5 }, 1, () => 0.5),
    75,
  )
  assert.equal(backoffDelay({ base: 100, jitter: 1 }, 1, all), 0)
  assert.equal(backoffDelay({ base: 100, jitter: 0 }, 1, all), 100)
})

test('without a source of chance given, delays still stay within the jitter', () => {
  for (let run = 0; run < 100; run++) {
    const delay = backoffDelay({ base: 1000, jitter: 0.2 }, 1)
    assert.ok(delay >= 800 && delay <= 1000 && Number.isInteger(delay), String(delay))
  }
})

test('backoffs of the three forms are accepted', () => {
  for (const backoff of [0, 1.5, [0], [1, 2, 3], {}, { base: 0, factor: 1, cap: 0, jitter: 1 }])
    assert.deepEqual(backoffInMs(backoff), backoff)
  assert.deepEqual(backoffInMs({ base: undefined }), {})
})

test('a backoff that is none is refused by name', () => {
  for (const [backoff, message] of [
    [-1, `backoff must be ${DELAY}, got -1`],
    [Number.NaN, `backoff must be ${DELAY}, got NaN`],
    [Number.POSITIVE_INFINITY, `backoff must be ${DELAY}, got Infinity`],
    [[], 'backoff must list at least one delay, got []'],
    [[1, '2'], `backoff[1] must be ${DELAY}, got "2"`],
    ['exponential', `backoff must be ${DELAY}, got "exponential"`],
    [null, 'backoff must be a delay, a list of delays, or { base, factor, cap, jitter }, got null'],
    [{ factor: 0.5 }, 'backoff.factor must be a number from 1 to 1000, got 0.5'],
    [{ jitter: 2 }, 'backoff.jitter must be a number from 0 to 1, got 2'],
    [{ base: -1 }, `backoff.base must be ${DELAY}, got -1`],
    [{ cap: 'x' }, `backoff.cap must be ${DELAY}, got "x"`],
    [{ max: 1 }, 'backoff.max is not known: use base, factor, cap, jitter'],
    [{ toString: 1 }, 'backoff.toString is not known: use base, factor, cap, jitter'],
  ] as const)
    assert.throws(() => backoffInMs(backoff), new OptionError(message))
  assert.throws(() => backoffInMs(-1, 'workers.a.backoff'), /^OptionError: workers\.a\.backoff must be/)
})

test('delays may be given as text, and are stored in ms', () => {
  assert.equal(backoffInMs('5s'), 5000)
  assert.deepEqual(backoffInMs(['1s', 2, '1.5m']), [1000, 2, 90_000])
  assert.deepEqual(backoffInMs({ base: '2s', cap: '1h', factor: 3, jitter: 0 }), {
    base: 2000,
    cap: 3_600_000,
    factor: 3,
    jitter: 0,
  })
})
