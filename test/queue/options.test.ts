import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { OptionError } from '../../src/errors/errors.js'
import { type CloseOptions, closeSettingsOf, type QueueOptions, settingsOf } from '../../src/queue/options.js'

const workers = { echo: './echo.js' }

test('options left out have their defaults', () => {
  const day = 24 * 3_600_000
  assert.deepEqual(settingsOf({ workers }), {
    maxWorkers: Math.max(1, availableParallelism()),
    minWorkers: 0,
    threads: { setup: undefined, env: undefined, execArgv: undefined },
    durability: 'disk',
    retention: {
      completed: { count: 10_000, bytes: 2 ** 30, age: day },
      failed: { count: 100_000, bytes: 2 ** 32, age: 30 * day },
      cancelled: { count: 10_000, bytes: 2 ** 30, age: day },
    },
    keptInputBytes: 16_384,
    backlog: { jobs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, onFull: 'wait' },
    maxJobBytes: 64 * 1024 * 1024,
    maxOutputBytes: 64 * 1024 * 1024,
    idleTimeout: 5000,
    loadTimeout: 60_000,
    abortGrace: 1000,
    trustDirectory: false,
  })
})

test('options that are given are taken, at the ends of their ranges too', () => {
  const settings = settingsOf({
    workers,
    maxWorkers: 0,
    durability: 'process',
    keep: {
      completed: { count: 0 },
      failed: { age: Number.POSITIVE_INFINITY },
      cancelled: { bytes: 7, age: '2h' },
    },
    maxBacklog: 1,
    maxBacklogBytes: 2,
    onFull: 'reject',
    maxJobBytes: 2 ** 30,
    maxOutputBytes: 1,
    idleTimeout: '0ms',
    abortGrace: 2 ** 31 - 1,
  })
  assert.deepEqual(
    [
      settings.maxWorkers,
      settings.durability,
      settings.maxJobBytes,
      settings.maxOutputBytes,
      settings.idleTimeout,
      settings.abortGrace,
    ],
    [0, 'process', 2 ** 30, 1, 0, 2 ** 31 - 1],
  )
  assert.deepEqual(settings.backlog, { jobs: 1, bytes: 2, onFull: 'reject' })
  const kept = [true, false, 0, Number.POSITIVE_INFINITY].map(
    (input) => settingsOf({ workers, keep: { completed: { input } } }).keptInputBytes,
  )
  assert.deepEqual(kept, [Number.POSITIVE_INFINITY, -1, 0, Number.POSITIVE_INFINITY])
  assert.deepEqual(settings.retention.completed, { count: 0, bytes: 2 ** 30, age: 24 * 3_600_000 })
  assert.deepEqual(settings.retention.cancelled, { count: 10_000, bytes: 7, age: 7_200_000 })
  assert.deepEqual(settings.retention.failed, {
    count: 100_000,
    bytes: 2 ** 32,
    age: Number.POSITIVE_INFINITY,
  })
  assert.equal(settingsOf({ workers, maxWorkers: 1024 }).maxWorkers, 1024)
})

const TIMER =
  "a duration of at most 24 days: a number of ms, or text such as '500ms', '5s', '10m', '2h' or '7d'"

test('options out of range, of the wrong type or unknown are refused by name', () => {
  for (const [options, message] of [
    [{ maxWorkers: -1 }, 'maxWorkers must be an integer from 0 to 1024, got -1'],
    [{ maxWorkers: 1025 }, 'maxWorkers must be an integer from 0 to 1024, got 1025'],
    [{ maxWorkers: 2.5 }, 'maxWorkers must be an integer from 0 to 1024, got 2.5'],
    [{ maxWorkers: '4' }, 'maxWorkers must be an integer from 0 to 1024, got "4"'],
    [{ maxWorkers: Number.NaN }, 'maxWorkers must be an integer from 0 to 1024, got NaN'],
    [{ durability: 'memory' }, `durability must be 'disk' or 'process', got "memory"`],
    [{ maxBacklog: 0 }, 'maxBacklog must be an integer from 1 to 9007199254740991, got 0'],
    [{ maxBacklogBytes: 0 }, 'maxBacklogBytes must be an integer from 1 to 9007199254740991, got 0'],
    [{ maxBacklog: 1.5 }, 'maxBacklog must be an integer from 1 to 9007199254740991, got 1.5'],
    [{ onFull: 'drop' }, `onFull must be 'wait' or 'reject', got "drop"`],
    [{ maxOutputBytes: 0 }, 'maxOutputBytes must be an integer from 1 to 1073741824, got 0'],
    [{ maxJobBytes: 0 }, 'maxJobBytes must be an integer from 1 to 1073741824, got 0'],
    [{ idleTimeout: -5 }, `idleTimeout must be ${TIMER}, got -5`],
    [{ abortGrace: Infinity }, `abortGrace must be ${TIMER}, got Infinity`],
    [{ keep: { completed: { count: -1 } } }, 'keep.completed.count must be a number of 0 or more, got -1'],
    [{ keep: { failed: { bytes: -1 } } }, 'keep.failed.bytes must be a number of 0 or more, got -1'],
    [{ keep: { failed: { age: 'day' } } }, /^keep.failed.age must be a duration, or Infinity: .* got "day"$/],
    [{ keep: { failed: { days: 3 } } }, 'keep.failed.days is not known: use count, bytes, age'],
    [{ keep: { failed: 5 } }, 'keep.failed must be { count, bytes, age }, got 5'],
    [
      { keep: { completed: { input: -1 } } },
      'keep.completed.input must be true, false or a number of bytes, got -1',
    ],
    [
      { keep: { completed: { input: null } } },
      'keep.completed.input must be true, false or a number of bytes, got null',
    ],
    [{ keep: { failed: { input: true } } }, 'keep.failed.input is not known: use count, bytes, age'],
    [{ keep: { done: {} } }, 'keep.done is not known: use completed, failed, cancelled'],
    [{ keep: { toString: {} } }, 'keep.toString is not known: use completed, failed, cancelled'],
    [{ keep: 10 }, 'keep must be an object, got 10'],
    [{ keep: null }, 'keep must be an object, got null'],
  ] as const)
    assert.throws(
      () => settingsOf({ workers, ...options } as unknown as QueueOptions),
      typeof message === 'string' ? new OptionError(message) : { name: 'OptionError', message },
    )
  assert.throws(
    () => settingsOf({ workers, concurrency: 3 } as QueueOptions),
    /^OptionError: open\(\) has no option "concurrency": use workers, tasks, maxWorkers, setup, /,
  )
  assert.throws(
    () => settingsOf(undefined as unknown as QueueOptions),
    /^OptionError: the options of open\(\) must be an object, got undefined$/,
  )
})

test('the options of close have their defaults, and are refused by name', () => {
  assert.deepEqual(closeSettingsOf({}), { timeoutMs: 8000, drain: false })
  assert.deepEqual(closeSettingsOf({ timeout: '1m', drain: true }), { timeoutMs: 60_000, drain: true })
  assert.deepEqual(closeSettingsOf({ timeout: Number.POSITIVE_INFINITY }).timeoutMs, Number.POSITIVE_INFINITY)
  for (const options of [{ timeout: -1 }, { timeout: 'soon' }, { drain: 1 }, { timeOut: 5 }, null])
    assert.throws(() => closeSettingsOf(options as CloseOptions), { code: 'MILLRACE_OPTION' })
})
