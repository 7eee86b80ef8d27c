/** Errors on their whole way: thrown in a thread, stored, read, and thrown to the application. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Job, JobFailedError } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue } from '../support/queue.js'

async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.fail('it was fulfilled'),
    (error: Error) => error,
  )
}

test('the stack of what finished() throws shows where the application awaited, for each who waits', async (t) => {
  const queue = await openQueue(t)
  async function applicationAwaits(job: Job): Promise<void> {
    await job.finished()
  }
  async function anotherAwaits(job: Job): Promise<void> {
    await job.finished()
  }
  const job = await queue.enqueue('throwValue', 'x', { attempts: 1 })
  const [first, second] = await Promise.all([thrownBy(applicationAwaits(job)), thrownBy(anotherAwaits(job))])
  assert.match(first.stack ?? '', /^JobFailedError: job [\s\S]* at async applicationAwaits .*trip\.test/)
  assert.match(second.stack ?? '', /at async anotherAwaits /)
  const later = await thrownBy(applicationAwaits(job))
  assert.match(later.stack ?? '', /at async applicationAwaits /)
  await queue.pause()
  const cancelled = await queue.enqueue('echo', 1)
  const removed = await queue.enqueue('echo', 2)
  const errors = [thrownBy(applicationAwaits(cancelled)), thrownBy(applicationAwaits(removed))]
  await cancelled.cancel()
  await removed.remove()
  for (const [index, name] of ['JobCancelledError', 'NoJobError'].entries())
    assert.match(
      (await errors[index])?.stack ?? '',
      new RegExp(`^${name}[\\s\\S]* at async applicationAwaits `),
    )
})

test('what a worker throws is stored, and reaches the application with its causes, errors and members', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  const aggregate = new AggregateError([new TypeError('one', { cause: new Error('why') }), 'two'], 'all')
  const http = Object.assign(new RangeError('busy'), {
    status: 503,
    code: 20,
    issues: [{ path: ['\ufeffa'] }],
  })
  const jobs = []
  for (const thrown of [aggregate, http, { code: 42, zero: -0, text: '\ud800' }])
    jobs.push(await queue.enqueue('throwValue', thrown, { attempts: 1 }))
  const told = await Promise.all(jobs.map((job) => thrownBy(job.finished())))
  await queue.close()
  const reopened = await openQueue(t, { directory })
  const read = []
  for (const { id } of jobs) read.push(await thrownBy((await reopened.job(id))?.finished() ?? assert.fail()))
  for (const errors of [told, read]) {
    const [first, second, third] = errors.map(({ cause }) => cause)
    assert.ok(first instanceof AggregateError)
    assert.ok(first.errors[0] instanceof TypeError)
    assert.equal((first.errors[0].cause as Error).message, 'why')
    assert.equal((first.errors[1] as Error).message, 'two')
    assert.ok(second instanceof RangeError)
    assert.deepEqual({ ...second }, { status: 503, code: 20, issues: [{ path: ['\ufeffa'] }] })
    assert.deepEqual({ ...(third as object) }, { code: 42, zero: -0, text: '\ud800' })
  }
})

test('an error that finished() throws is shown with the worker’s error and without the list of failures', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('failUntil', 9, { attempts: 2 })
  const error = (await thrownBy(job.finished())) as JobFailedError
  const shown = inspect(error)
  assert.match(
    shown,
    /^JobFailedError: job .*[\s\S]*\[cause\]: RangeError: attempt 2 is too early\n.*failUntil/,
  )
  assert.equal(shown.includes('failures'), false)
  assert.equal(error.failures.length, 2)
  const long = await queue.enqueue('throwValue', 'x'.repeat(50_000), { attempts: 1 })
  const { message, cause } = await thrownBy(long.finished())
  assert.ok(message.length < 1200)
  assert.ok((cause as Error).message.length > 8000)
})
