import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '../../src/codec/codec.js'
import type { StoredFailure } from '../../src/errors/error-data.js'
import { addFailure, failureCountOf } from '../../src/job/failures.js'
import type { Head } from '../../src/job/job.js'

/** The head of a job that has failed so often. */
function afterFailures(count: number, failure: Partial<StoredFailure> = {}, head: Head = {}): Head {
  for (let attempt = 1; attempt <= count; attempt++)
    Object.assign(head, addFailure(head, { attempt, at: attempt, name: 'Error', message: 'no', ...failure }))
  return head
}

const attemptsOf = ({ failures = [] }: Head) => failures.map(({ attempt }) => attempt)

test('up to ten failures are kept whole, and nothing is stored beside them', () => {
  const head = afterFailures(10, { stack: 'x'.repeat(2000), members: { status: 500 } })
  assert.deepEqual(Object.keys(head), ['failures'])
  assert.deepEqual(attemptsOf(head), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  for (const { stack, members } of head.failures ?? [])
    assert.deepEqual([stack?.length, members], [2000, { status: 500 }])
  assert.equal(failureCountOf(head), 10)
  assert.equal(failureCountOf({}), 0)
})

test('of more failures the first three, the latest seven and the number are kept', () => {
  const head = afterFailures(11)
  assert.deepEqual(attemptsOf(head), [1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
  assert.equal(failureCountOf(head), 11)
  const later = afterFailures(400)
  assert.deepEqual(attemptsOf(later), [1, 2, 3, 394, 395, 396, 397, 398, 399, 400])
  assert.equal(failureCountOf(later), 400)
})

test('a longer list that was stored before is shortened by the next failure', () => {
  const failures = Array.from({ length: 50 }, (_, at) => ({
    attempt: at + 1,
    at,
    name: 'Error',
    message: '',
  }))
  const head = addFailure({ failures }, { attempt: 51, at: 51, name: 'Error', message: '' })
  assert.deepEqual(attemptsOf(head), [1, 2, 3, 45, 46, 47, 48, 49, 50, 51])
  assert.equal(failureCountOf(head), 51)
})

test('of large failures the latest are kept whole, and of the others the beginning of the message', () => {
  const large = { startedAt: 5, code: 'E', message: 'm'.repeat(8000), stack: 's'.repeat(8000) }
  const head = afterFailures(400, large)
  const [oldest, ...others] = head.failures ?? []
  const message = `${'m'.repeat(500)}… (7500 more characters)`
  assert.deepEqual(oldest, { attempt: 1, startedAt: 5, at: 1, name: 'Error', message, code: 'E' })
  assert.equal(others.at(-1)?.message, large.message)
  assert.deepEqual(
    others.slice(-2).map(({ stack }) => stack?.length),
    [8000, 8000],
  )
  assert.ok(encode(head, 'head').byteLength < 60_000)
})

test('the newest failure is kept whole, however large it is', () => {
  const head = afterFailures(3, { message: 'm'.repeat(100_000) })
  assert.deepEqual(
    head.failures?.map(({ message }) => message.length < 600),
    [true, true, false],
  )
})
