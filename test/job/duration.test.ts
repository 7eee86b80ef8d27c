import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../src/errors/errors.js'
import { durationMs } from '../../src/job/duration.js'

test('a duration is a number of ms, or a number with a unit', () => {
  for (const [given, ms] of [
    [0, 0],
    [1.5, 1.5],
    ['0ms', 0],
    ['250ms', 250],
    ['5s', 5000],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ] as const)
    assert.equal(durationMs('delay', given), ms)
  assert.equal(
    durationMs('delay', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
    Number.POSITIVE_INFINITY,
  )
})

test('whatever else is refused in plain words', () => {
  for (const given of [
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '5',
    '5 s',
    '5sec',
    '-5s',
    '1e3s',
    '.5s',
    '5S',
    's',
    '',
    '5s ',
    '36501d',
    null,
    true,
    5n,
    {},
  ])
    assert.throws(
      () => durationMs('delay', given),
      (error: Error) =>
        error instanceof OptionError &&
        /^delay must be a duration of at most 100 years: a number of ms, or text such as '500ms', .* got /.test(
          error.message,
        ),
      String(given),
    )
  assert.throws(
    () => durationMs('idleTimeout', '25d', 2 ** 31 - 1),
    new OptionError(
      "idleTimeout must be a duration of at most 24 days: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d', got \"25d\"",
    ),
  )
  assert.throws(
    () => durationMs('timeout', -1, Number.POSITIVE_INFINITY),
    new OptionError(
      "timeout must be a duration, or Infinity: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d', got -1",
    ),
  )
})
