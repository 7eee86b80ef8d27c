import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '../../../src/codec/codec.js'
import { ClosedError } from '../../../src/errors/errors.js'
import type { Head, JobState, StoredJob } from '../../../src/job/job.js'
import { Waiters } from '../../../src/queue/jobs/waiters.js'
import { collectGarbage } from '../../support/garbage.js'

function job(seq: number, state: JobState, output?: unknown, head: Head = {}): StoredJob {
  const body = Uint8Array.from(encode(output, 'output'))
  return { place: { lane: 0, priority: 0, seq }, state, enqueuedAt: 0, head, body }
}

test('all who wait for a job get its output, each a copy of its own', async () => {
  const waiters = new Waiters(() => 'echo')
  const promises = [waiters.untilFinished(1), waiters.untilFinished(1), waiters.untilFinished(2)]
  waiters.settle(job(1, 'completed', { a: [1] }))
  waiters.settle(job(2, 'completed', 'other'))
  const [first, second, other] = await Promise.all(promises)
  assert.deepEqual([first, second, other], [{ a: [1] }, { a: [1] }, 'other'])
  assert.notEqual(first, second)
})

test('a job that failed or was cancelled rejects with the error that says so', async () => {
  const waiters = new Waiters(() => 'echo')
  const failed = waiters.untilFinished(1)
  const cancelled = waiters.untilFinished(2)
  const failures = [{ attempt: 1, at: 0, name: 'Error', message: 'broken' }]
  waiters.settle(job(1, 'failed', undefined, { failures }))
  waiters.settle(job(2, 'cancelled'))
  await assert.rejects(failed, { code: 'MILLRACE_JOB_FAILED', message: /\(echo\) failed .*: broken$/ })
  await assert.rejects(cancelled, { code: 'MILLRACE_JOB_CANCELLED' })
})

test('a job that has not finished leaves its waiters waiting', async () => {
  const waiters = new Waiters(() => 'echo')
  const promise = waiters.untilFinished(1)
  for (const state of ['waiting', 'delayed', 'running'] as const) waiters.settle(job(1, state, 'too early'))
  waiters.settle(job(1, 'completed', 'in time'))
  waiters.settle(job(1, 'completed', 'too late'))
  assert.equal(await promise, 'in time')
})

test('a damaged output rejects all who wait for it, and no one else', async () => {
  const waiters = new Waiters(() => 'echo')
  const promises = [waiters.untilFinished(1), waiters.untilFinished(1)]
  const other = waiters.untilFinished(2)
  waiters.settle({ ...job(1, 'completed'), body: Uint8Array.of(0x9f) })
  for (const promise of promises) await assert.rejects(promise, { code: 'MILLRACE_DAMAGED' })
  waiters.settle(job(2, 'completed', 'fine'))
  assert.equal(await other, 'fine')
})

test('rejecting one leaves the others, rejecting all leaves none', async () => {
  const waiters = new Waiters(() => 'echo')
  const [one, two, idle] = [waiters.untilFinished(1), waiters.untilFinished(2), waiters.untilIdle()]
  waiters.reject(1, new Error('removed'))
  await assert.rejects(one, /removed/)
  waiters.rejectAll(new ClosedError())
  for (const promise of [two, idle]) await assert.rejects(promise, { code: 'MILLRACE_CLOSED' })
  waiters.reject(1, new Error('nobody waits'))
})

test('all who wait for the queue to be idle are told once', async () => {
  const waiters = new Waiters(() => 'echo')
  const promises = [waiters.untilIdle(), waiters.untilIdle()]
  waiters.idle()
  assert.deepEqual(await Promise.all(promises), [undefined, undefined])
  const next = waiters.untilIdle()
  waiters.rejectAll(new ClosedError())
  await assert.rejects(next, ClosedError)
})

test('nothing is held of jobs that were waited for, once they are settled or gone', async () => {
  const waiters = new Waiters(() => 'echo')
  const settled: WeakRef<StoredJob>[] = []
  const waitFor = async (seq: number, state: JobState) => {
    const stored = job(seq, state, 'output')
    const promise = waiters.untilFinished(seq)
    if (state === 'waiting') waiters.answer(stored.place, Promise.resolve(undefined))
    else waiters.settle(stored)
    settled.push(new WeakRef(stored))
    await promise.catch(() => {})
  }
  for (let seq = 0; seq < 40; seq++)
    await waitFor(seq, (['completed', 'failed', 'cancelled', 'waiting'] as const)[seq % 4] ?? 'failed')
  await collectGarbage()
  // The last ones may still be on the stack.
  const held = settled.filter((stored) => stored.deref() !== undefined)
  assert.ok(held.length <= 4, `${held.length} of 40 are held`)
})
