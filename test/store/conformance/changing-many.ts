import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredJob } from '../../../src/job/job.js'
import {
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  textOf,
  waitingTexts,
} from '../../support/store.js'

const LATER = Date.now() + 3_600_000

/** Changes of all jobs that match. */
export function changingMany(open: OpenStore): void {
  test('all that wait or are delayed in one lane are cancelled, and nothing else is', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    const texts = Array.from({ length: 2500 }, (_, index) => `${index}`)
    await opened.store.add(texts.map((text) => newJob(a, text)))
    await opened.store.add(texts.slice(0, 50).map((text) => newJob(a, text, { runAt: LATER })))
    await opened.store.add([newJob(b, 'other')])
    const running = await claimNext(opened.store, 3)
    const told: StoredJob[] = []
    const filter = { states: ['waiting', 'delayed'], lane: a } as const
    const count = await opened.store.changeAll(filter, { verb: 'cancel' }, (jobs) => told.push(...jobs))
    assert.deepEqual([count, told.length], [2547, 2547])
    await opened.store.settle(running.map((job) => ({ outcome: 'released', job })))
    for await (const { store } of nowAndAfterCrash(opened)) {
      const { waiting, delayed, cancelled } = store.counts()
      assert.deepEqual([waiting, delayed, cancelled, store.nextDue()], [4, 0, 2547, undefined])
      assert.deepEqual(await waitingTexts(store), ['0', '1', '2', 'other'])
    }
  })

  test('all that failed together are revived, each with the attempts that it is granted, in their old order', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const texts = Array.from({ length: 1200 }, (_, index) => `${index}`)
    await opened.store.add(texts.map((text, index) => newJob(lane, text, { attempts: 1 + (index % 2) })))
    const jobs = await claimNext(opened.store)
    await opened.store.settle(
      jobs.map((job) => ({ outcome: 'failed', job, head: { ...job.head, attempt: 1 } })),
    )
    const revived = await opened.store.changeAll(
      { states: ['failed', 'completed'] },
      { verb: 'revive', attemptsOf: ({ head }) => head.attempts ?? 0 },
    )
    assert.equal(revived, 1200)
    for await (const { store } of nowAndAfterCrash(opened)) {
      const waiting = await store.list({ limit: 2000 })
      assert.ok(waiting.every(({ state, head }) => state === 'waiting' && head.granted === head.attempts))
      assert.equal(await store.clean('failed', LATER, 9), 0)
      assert.deepEqual(await waitingTexts(store), texts)
    }
  })

  test('all in any state but running are removed, with their keys', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add(Array.from({ length: 40 }, (_, index) => newJob(lane, `${index}`)))
    await store.add([newJob(lane, 'named', { key: 'k' }), newJob(lane, 'late', { runAt: LATER })])
    const jobs = await claimNext(store, 30)
    const outcomes = { completed: jobs.slice(0, 10), failed: jobs.slice(10, 20) }
    await store.settle([
      ...outcomes.completed.map(
        (job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 }) as const,
      ),
      ...outcomes.failed.map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } }) as const),
    ])
    const states = ['waiting', 'delayed', 'running', 'completed', 'failed', 'cancelled'] as const
    assert.equal(await store.changeAll({ states }, { verb: 'remove' }), 32)
    assert.deepEqual((await store.list({ limit: 100 })).map(textOf), jobs.slice(20).map(textOf))
    const [again] = await store.add([newJob(lane, 'again', { key: 'k' })])
    assert.equal(again?.existed, undefined)
  })

  test('what is claimed while all that wait are cancelled goes on', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    await store.add(Array.from({ length: 3000 }, (_, index) => newJob(lane, `${index}`)))
    let isDone = false
    const cancelling = store.changeAll({ states: ['waiting'] }, { verb: 'cancel' }).finally(() => {
      isDone = true
    })
    let completed = 0
    while (!isDone) {
      const jobs = await claimNext(store, 5)
      await store.settle(jobs.map((job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 })))
      completed += jobs.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    const cancelled = await cancelling
    const { waiting, running } = store.counts()
    assert.deepEqual([waiting, running, completed + cancelled], [0, 0, 3000])
    assert.ok(completed > 0)
    assert.equal((await store.list({ limit: 9999 })).length, 3000)
  })
}
