import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
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

test('each of several callers gets an error of its own', async () => {
  const ends: ((waiters: Waiters) => void)[] = [
    (waiters) => waiters.settle(job(1, 'failed')),
    (waiters) => waiters.settle(job(1, 'cancelled')),
    (waiters) => waiters.settle({ ...job(1, 'completed'), body: Uint8Array.of(0x9f) }),
    (waiters) => waiters.noJob(job(1, 'waiting').place),
  ]
  for (const end of ends) {
    const waiters = new Waiters(() => 'echo')
    const errors = [1, 2, 3].map(() => waiters.untilFinished(1).catch((error: unknown) => error))
    end(waiters)
    const all = await Promise.all(errors)
    assert.equal(new Set(all).size, 3)
    for (const error of all) assert.ok(error instanceof Error)
  }
})

test('callers are answered in the order of their calls, with limits or without', async () => {
  const limits = { timeout: Number.POSITIVE_INFINITY }
  for (const state of ['completed', 'failed'] as const)
    for (const isLimited of [false, true]) {
      const waiters = new Waiters(() => 'echo')
      const { place } = job(1, state)
      const order: number[] = []
      const answers = [1, 2, 3, 4].map((caller) => {
        const answer = isLimited ? waiters.untilFinishedWithin(place, limits) : waiters.untilFinished(1)
        const note = () => order.push(caller)
        return answer.then(note, note)
      })
      waiters.settle(job(1, state, 'output'))
      await Promise.all(answers)
      assert.deepEqual(order, [1, 2, 3, 4])
    }
})

/** One caller waits for job 1 and gives up. What is left of the error that it got. */
async function giveUp(waiters: Waiters, by: 'signal' | 'timeout'): Promise<WeakRef<Error>> {
  const controller = new AbortController()
  const timeoutMs = by === 'timeout' ? 1 : Number.POSITIVE_INFINITY
  const limits = { timeoutMs, signal: controller.signal }
  const answer = waiters.untilFinishedWithin(job(1, 'running').place, limits)
  if (by === 'signal') controller.abort(new Error('enough'))
  return answer.then(
    () => assert.fail('it has not finished'),
    (error: Error) => new WeakRef(error),
  )
}

/** Of `callers` that wait for one job, all but one in `stay` give up: none where `stay` is 0. */
async function waitInTurn(waiters: Waiters, callers: number, stay: number, by: 'signal' | 'timeout') {
  const staying: Promise<unknown>[] = []
  const errors: Promise<WeakRef<Error>>[] = []
  for (let caller = 0; caller < callers; caller++)
    if (stay > 0 && caller % stay === 0) staying.push(waiters.untilFinished(1))
    else errors.push(giveUp(waiters, by))
  return { outputs: Promise.all(staying), errors: await Promise.all(errors) }
}

test('a caller that gave up is forgotten, the only one or any of many, and the others get their output', async () => {
  for (const by of ['signal', 'timeout'] as const)
    for (const [callers, stay] of [
      [1, 0],
      [2, 0],
      [40, 0],
      [2, 2],
      [40, 2],
      [40, 3],
    ] as const) {
      const waiters = new Waiters(() => 'echo')
      const { outputs, errors } = await waitInTurn(waiters, callers, stay, by)
      await collectGarbage()
      const held = errors.filter((error) => error.deref() !== undefined).length
      assert.equal(held, 0, `${held} of ${errors.length} are held, by ${by}, ${callers} callers`)
      waiters.settle(job(1, 'completed', 'output'))
      for (const output of await outputs) assert.equal(output, 'output')
    }
})

test('a caller with limits leaves no timer and no listener behind, answered or not', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const waiters = new Waiters(() => 'echo')
  const { place } = job(1, 'completed')
  const { signal } = new AbortController()
  const answered = waiters.untilFinishedWithin(place, { timeout: 3_600_000, signal })
  assert.deepEqual([timers() - before, getEventListeners(signal, 'abort').length], [1, 1])
  waiters.settle(job(1, 'completed', 'output'))
  await answered
  assert.deepEqual([timers() - before, getEventListeners(signal, 'abort').length], [0, 0])
  const leaving = new AbortController()
  const aborted = waiters.untilFinishedWithin(place, { timeout: 3_600_000, signal: leaving.signal })
  leaving.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  assert.equal(timers() - before, 0)
})

test('rejecting one leaves the others', async () => {
  const waiters = new Waiters(() => 'echo')
  const [one, too, two] = [waiters.untilFinished(1), waiters.untilFinished(1), waiters.untilFinished(2)]
  waiters.reject(1, new Error('removed'))
  for (const promise of [one, too]) await assert.rejects(promise, /removed/)
  waiters.reject(1, new Error('nobody waits'))
  waiters.settle(job(2, 'completed', 'output'))
  assert.equal(await two, 'output')
})

test('rejecting all leaves none: of one job or another, idle or drained, with limits or without', async () => {
  const waiters = new Waiters(() => 'echo')
  const { signal } = new AbortController()
  const error = new ClosedError()
  const all = [
    waiters.untilFinished(1),
    waiters.untilFinished(2),
    waiters.untilFinished(2),
    waiters.untilFinishedWithin(job(2, 'waiting').place, { timeout: 1e6, signal }),
    waiters.untilIdle(),
    waiters.untilIdle(),
    waiters.untilDrained(),
    waiters.untilDrained(),
  ]
  waiters.rejectAll(error)
  assert.equal(waiters.isDrainAwaited, false)
  for (const promise of all) await assert.rejects(promise, error)
  // Nobody is left who would be told.
  waiters.settle(job(2, 'completed', 'output'))
  waiters.idle()
  waiters.drained()
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
