/** Errors on their whole way: thrown in a thread, stored, read, and thrown to the application. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job } from '../../src/index.js'
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
