import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureRounds } from '../../bench/rounds.js'

const QUESTION = new URL('../fixtures/question.js', import.meta.url)

test('each row of each round has a process and a directory of its own, prepared by another process', async () => {
  const measurements = await measureRounds(QUESTION, { rounds: 2, quick: false, full: false })
  assert.equal(new Set([process.pid, ...(measurements.get('process') ?? [])]).size, 3)
  assert.deepEqual(measurements.get('leftover'), [0, 0])
  assert.deepEqual(measurements.get('prepared'), [2, 2])
  assert.deepEqual(measurements.get('common'), [42, 42])
  assert.deepEqual(measurements.get('several'), [
    { figures: { first: 1, second: 2 } },
    { figures: { first: 1, second: 2 } },
  ])
  assert.deepEqual(measurements.get('lacking'), [
    { missing: 'npm install it' },
    { missing: 'npm install it' },
  ])
  assert.equal(measurements.has('long'), false)
  // More than fits into a pipe at once.
  const expected = Array.from({ length: 300_000 }, (_, index) => index / 7)
  assert.deepEqual(measurements.get('samples'), [expected, expected])
})

test('some rows are measured by themselves, and with them those that they are compared with', async () => {
  const measurements = await measureRounds(QUESTION, { rounds: 1, quick: false, full: false, only: 'lack' })
  assert.deepEqual([...measurements.keys()], ['process', 'lacking'])
})

test('a row is measured for the sake of any of its lines, and with it what that is compared with', async () => {
  const measurements = await measureRounds(QUESTION, {
    rounds: 1,
    quick: false,
    full: false,
    only: 'another',
  })
  assert.deepEqual([...measurements.keys()], ['leftover', 'several'])
})

test('a row that fails ends the bench, and is named', async () => {
  await assert.rejects(measureRounds(QUESTION, { rounds: 1, quick: false, full: true }), {
    message: `measure of "long" (${QUESTION.href}) ended with code 1`,
  })
})
