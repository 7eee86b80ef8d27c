import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FinishedState, Head } from '../../../src/job/job.js'
import type { Claimed, Settlement } from '../../../src/store/store.js'
import {
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenedStore,
  type OpenStore,
  textOf,
  waitingTexts,
} from '../../support/store.js'

const FAILURE = { attempt: 1, at: 1234, name: 'RangeError', message: 'too far', code: 'E_FAR' }
const LATER = Date.now() + 3_600_000

export function settling(open: OpenStore): void {
  test('a completed job has its output beside its input, and how it went', async (t) => {
    const { opened, job } = await running(open, t)
    const output = Buffer.from('output')
    const before = Date.now()
    await opened.store.settle([{ outcome: 'completed', job, output, startedAt: 1234 }])
    for await (const { store } of nowAndAfterCrash(opened)) {
      const stored = await store.get(job.place)
      assert.ok(stored)
      assert.deepEqual(
        [stored.state, textOf(stored), String(stored.input), stored.enqueuedAt],
        ['completed', 'output', 'job', job.enqueuedAt],
      )
      const { attempt, startedAt, attempts, finishedAt = 0 } = stored.head
      assert.deepEqual([attempt, startedAt, attempts], [1, 1234, 9])
      assert.ok(finishedAt >= before && finishedAt <= Date.now())
      assertOnly(store, 'completed', 1)
      assert.equal(store.isLive(job.place), false)
    }
  })

  test('the input of a completed job is kept up to a size', async (t) => {
    const opened = await open(t, { keptInputBytes: 30 })
    const { store } = opened
    const lane = store.lane('a')
    const lengths = [0, 29, 30, 31, 5000, 40_000]
    // Several at once, and one by one.
    for (const copies of [8, 1])
      await store.add(lengths.flatMap((length) => new Array(copies).fill(newJob(lane, 'x'.repeat(length)))))
    const jobs = await claimNext(store)
    const output = Buffer.from('output')
    await store.settle(jobs.map((job) => ({ outcome: 'completed', job, output, startedAt: 1 })))
    for await (const each of nowAndAfterCrash(opened)) {
      for (const job of jobs) {
        const stored = await each.store.get(job.place)
        const isKept = job.inputBytes <= 30
        assert.deepEqual(
          [stored && textOf(stored), stored?.input && String(stored.input)],
          ['output', isKept ? textOf(job) : undefined],
        )
      }
      const listed = await each.store.list({ states: ['completed'], limit: 100 })
      assert.equal(listed.filter(({ input }) => input).length, 27)
    }
  })

  for (const outcome of ['failed', 'cancelled'] as const)
    test(`a job that is settled as ${outcome} keeps its input and the history that it is given`, async (t) => {
      const { opened, job } = await running(open, t)
      const head: Head = { ...job.head, attempt: 1, failures: [FAILURE] }
      const before = Date.now()
      await opened.store.settle([{ outcome, job, head }])
      for await (const { store } of nowAndAfterCrash(opened)) {
        const stored = await store.get(job.place)
        assert.ok(stored)
        assert.deepEqual([stored.state, textOf(stored), stored.enqueuedAt], [outcome, 'job', job.enqueuedAt])
        const { attempt, failures, attempts, finishedAt = 0 } = stored.head
        assert.deepEqual([attempt, failures, attempts], [1, [FAILURE], 9])
        assert.ok(finishedAt >= before && finishedAt <= Date.now())
        assertOnly(store, outcome, 1)
      }
    })

  test('a job to be retried now is back at its old place, charged', async (t) => {
    const { opened, job } = await running(open, t)
    await opened.store.add([newJob(job.place.lane, 'younger')])
    await opened.store.settle([{ outcome: 'retry', job, head: { attempt: 1, runAt: Date.now() - 1 } }])
    assert.deepEqual(await waitingTexts(opened.store), ['job', 'younger'])
    const { store } = await opened.reopen()
    assert.equal(store.counts().waiting, 2)
    const [again, other] = await claimNext(store)
    assert.deepEqual([again?.place, again?.attempt, again?.enqueuedAt], [job.place, 2, job.enqueuedAt])
    assert.deepEqual([other && textOf(other), other?.attempt], ['younger', 1])
  })

  test('a job to be retried later is delayed until then, and then at its old place', async (t) => {
    const { opened, job } = await running(open, t)
    await opened.store.add([newJob(job.place.lane, 'younger')])
    await opened.store.settle([{ outcome: 'retry', job, head: { attempt: 1, runAt: LATER } }])
    assert.deepEqual(await waitingTexts(opened.store), ['younger'])
    const { store } = await opened.reopen()
    assert.deepEqual([store.counts().waiting, store.counts().delayed, store.nextDue()], [1, 1, LATER])
    assert.equal((await store.get(job.place))?.state, 'delayed')
    assert.equal(await store.promote(LATER), 1)
    const [again] = await claimNext(store, 1)
    assert.deepEqual([again?.place, again?.attempt], [job.place, 2])
  })

  test('a released job is back at its old place as if it had not been claimed', async (t) => {
    const { opened, job } = await running(open, t)
    await opened.store.add([newJob(job.place.lane, 'younger')])
    await opened.store.settle([{ outcome: 'released', job }])
    for await (const { store } of nowAndAfterCrash(opened)) {
      const stored = await store.get(job.place)
      assert.deepEqual([stored?.state, stored?.head], ['waiting', { attempts: 9 }])
      assert.deepEqual(await waitingTexts(store), ['job', 'younger'])
    }
  })

  test('a job that is released to run alone says so from then on', async (t) => {
    const { opened, job } = await running(open, t)
    await opened.store.settle([{ outcome: 'released', job, alone: true }])
    const { store } = await opened.reopen()
    const [again] = await claimNext(store)
    assert.deepEqual([again?.alone, again?.attempt, again?.place], [true, 1, job.place])
    assert.ok(again)
    await store.settle([{ outcome: 'released', job: again }])
    assert.equal((await claimNext(store))[0]?.alone, true)
  })

  test('the jobs of one waybill may end differently and at different times; counts are exact at every step', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [a, b] = [store.lane('a'), store.lane('b')]
    await store.add(['0', '1', '2', '3', '4', '5'].map((text, index) => newJob(index % 2 ? b : a, text)))
    const jobs = await claimNext(store)
    const [zero, one, two, three, four, five] = jobs
    assert.ok(zero && one && two && three && four && five)
    const expected = { ...store.counts() }
    assert.equal(expected.running, 6)
    const settle = async (settlements: readonly Settlement[], change: Partial<typeof expected>) => {
      const settled = store.settle(settlements)
      Object.assign(expected, change)
      assert.deepEqual(store.counts(), expected)
      await settled
      assert.deepEqual(store.counts(), expected)
      const sum = [store.counts(a), store.counts(b)]
      for (const state of ['waiting', 'delayed', 'running', 'completed', 'failed', 'cancelled'] as const)
        assert.equal((sum[0]?.[state] ?? 0) + (sum[1]?.[state] ?? 0), expected[state])
    }
    const output = Buffer.from('out')
    await settle([{ outcome: 'completed', job: two, output, startedAt: 1 }], { running: 5, completed: 1 })
    await settle(
      [
        { outcome: 'failed', job: zero, head: { attempt: 1 } },
        { outcome: 'retry', job: five, head: { attempt: 1, runAt: LATER } },
      ],
      { running: 3, failed: 1, delayed: 1 },
    )
    await settle([{ outcome: 'cancelled', job: one, head: {} }], { running: 2, cancelled: 1 })
    await settle([{ outcome: 'retry', job: three, head: { attempt: 1 } }], { running: 1, waiting: 1 })
    await settle([{ outcome: 'released', job: four }], { running: 0, waiting: 2 })
    for await (const last of nowAndAfterCrash(opened)) {
      assert.deepEqual(last.store.counts(), expected)
      assert.deepEqual(last.recovered.returned, 0)
      assert.deepEqual(await waitingTexts(last.store), ['3', '4'])
    }
  })

  test('what is settled before its claim is written, and claimed again before that is, is settled', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add([newJob(lane, 'x')])
    for (let round = 0; round < 20; round++) {
      const claim = store.claim(() => 'take')
      assert.equal(claim?.jobs.length, 1)
      await store.settle((claim?.jobs ?? []).map((job) => ({ outcome: 'released', job })))
    }
    assert.equal(store.counts().waiting, 1)
    const { recovered } = await opened.reopen()
    assert.deepEqual(recovered, { returned: 0, failed: 0, waiting: 1 })
  })
}

async function running(
  open: OpenStore,
  t: Parameters<OpenStore>[0],
): Promise<{ opened: OpenedStore; job: Claimed }> {
  const opened = await open(t)
  await opened.store.add([newJob(opened.store.lane('a'), 'job', { attempts: 9 })])
  const [job] = await claimNext(opened.store)
  assert.ok(job)
  return { opened, job }
}

function assertOnly(store: OpenedStore['store'], state: FinishedState, count: number): void {
  const none = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
  assert.deepEqual(store.counts(), { ...none, [state]: count })
}
