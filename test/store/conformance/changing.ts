import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobState, Place } from '../../../src/job/job.js'
import type { Store } from '../../../src/store/store.js'
import {
  cancel,
  claimNext,
  claimSome,
  historyOf,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  remove,
  revive,
  textOf,
  waitingTexts,
} from '../../support/store.js'

const LATER = Date.now() + 3_600_000

/** Cancel, revive and remove: what is asked about single jobs. */
export function changing(open: OpenStore): void {
  test('cancel takes a waiting or delayed job out of line and keeps it as cancelled', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const [waiting, delayed] = await opened.store.add([
      newJob(lane, '1', { attempts: 2 }),
      newJob(lane, '2', { runAt: LATER }),
      newJob(lane, '3'),
    ])
    assert.ok(waiting && delayed)
    assert.equal(await cancel(opened.store, waiting), true)
    assert.equal(await cancel(opened.store, delayed), true)
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual(
        [store.counts().waiting, store.counts().delayed, store.counts().cancelled, store.nextDue()],
        [1, 0, 2, undefined],
      )
      const stored = await store.get(waiting)
      assert.ok(stored)
      assert.deepEqual([stored.state, textOf(stored), stored.head.attempts], ['cancelled', '1', 2])
      assert.equal(await store.promote(LATER), 0)
      assert.deepEqual(await waitingTexts(store), ['3'])
    }
  })

  test('revive sends a failed, cancelled or delayed job to its old place, with attempts granted', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const [failed, cancelled, delayed] = await opened.store.add([
      newJob(lane, '1', { priority: -1, attempts: 1 }),
      newJob(lane, '2'),
      newJob(lane, '3', { runAt: LATER }),
      newJob(lane, '4'),
    ])
    assert.ok(failed && cancelled && delayed)
    const [job] = await claimNext(opened.store, 1)
    assert.ok(job)
    const failures = [{ attempt: 1, at: 1, name: 'Error', message: 'no' }]
    await opened.store.settle([{ outcome: 'failed', job, head: { ...job.head, attempt: 1, failures } }])
    await cancel(opened.store, cancelled)
    for (const place of [cancelled, delayed, failed]) assert.equal(await revive(opened.store, place, 4), true)
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual(await waitingTexts(store), ['1', '2', '3', '4'])
      assert.deepEqual(
        [store.counts().waiting, store.counts().delayed, store.counts().failed, store.counts().cancelled],
        [4, 0, 0, 0],
      )
      assert.deepEqual(historyOf(await store.get(failed)), { attempt: 1, attempts: 1, failures, granted: 4 })
      assert.deepEqual(historyOf(await store.get(cancelled)), { granted: 4 })
      // It had not used any of its attempts up.
      assert.deepEqual(historyOf(await store.get(delayed)), {})
      assert.deepEqual([store.nextDue(), await store.promote(LATER)], [undefined, 0])
    }
  })

  test('attempts that are granted again and again add up', async (t) => {
    const { store } = await open(t)
    const [place] = await store.add([newJob(store.lane('a'), 'x')])
    assert.ok(place)
    for (const granted of [3, 6, 9]) {
      await cancel(store, place)
      assert.equal(await revive(store, place, 3), true)
      assert.deepEqual(historyOf(await store.get(place)), { granted })
    }
  })

  test('remove deletes a job in any state but running', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const places = await inStates(store)
    for (const state of ['waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const) {
      assert.equal(await remove(store, places[state]), true)
      assert.equal(await store.get(places[state]), undefined)
      assert.equal(store.counts()[state], 0)
    }
    assert.equal(await remove(store, places.running), false)
    const again = (await opened.crash()).store
    assert.deepEqual(
      (await again.list({ limit: 10 })).map(({ place }) => place),
      [places.running],
    )
    assert.deepEqual([again.nextDue(), await again.clean('failed', Date.now() + 1, 9)], [undefined, 0])
  })

  test('what a job’s state does not allow is refused, and changes nothing', async (t) => {
    const { store } = await open(t)
    const places = await inStates(store)
    const before = [await store.list({ limit: 10 }), store.counts(), store.nextDue()]
    for (const state of ['running', 'completed', 'failed', 'cancelled'] as const)
      assert.equal(await cancel(store, places[state]), false, state)
    for (const state of ['waiting', 'running', 'completed'] as const)
      assert.equal(await revive(store, places[state], 1), false, state)
    const unknown = { ...places.waiting, seq: 999_999 }
    assert.deepEqual(
      await Promise.all([cancel(store, unknown), revive(store, unknown, 1), remove(store, unknown)]),
      [false, false, false],
    )
    assert.deepEqual([await store.list({ limit: 10 }), store.counts(), store.nextDue()], before)
    assert.deepEqual(await waitingTexts(store), ['waiting'])
  })

  test('of changes to one job that come at once, the first that its state allows wins', async (t) => {
    const { store } = await open(t)
    const [place] = await store.add([newJob(store.lane('a'), 'x')])
    assert.ok(place)
    assert.deepEqual(
      await Promise.all([
        cancel(store, place),
        cancel(store, place),
        revive(store, place, 1),
        remove(store, place),
        remove(store, place),
        revive(store, place, 1),
      ]),
      [true, false, true, true, false, false],
    )
    assert.equal(store.counts().waiting, 0)
    assert.deepEqual(await claimNext(store), [])
  })

  test('a job that is claimed while it is being cancelled is one or the other, never both', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const outcomes = { claimed: 0, cancelled: 0 }
    for (let round = 0; round < 60; round++) {
      const [place] = await store.add([newJob(lane, 'x')])
      assert.ok(place)
      const before = round % 2 === 0 ? claimSome(store) : undefined
      const cancelling = cancel(store, place)
      for (let turn = 0; turn < round % 7; turn++) await Promise.resolve()
      const claim = before ?? claimSome(store)
      const wasCancelled = await cancelling
      assert.equal(wasCancelled, claim === undefined)
      outcomes[wasCancelled ? 'cancelled' : 'claimed']++
      const state: JobState = wasCancelled ? 'cancelled' : 'running'
      assert.equal((await store.get(place))?.state, state)
      if (claim) await store.settle(claim.jobs.map((job) => ({ outcome: 'cancelled', job, head: {} })))
      assert.deepEqual([store.counts().running, store.counts().cancelled], [0, round + 1])
    }
    assert.ok(outcomes.claimed > 0 && outcomes.cancelled > 0)
  })
}

async function inStates(store: Store): Promise<Record<JobState, Place>> {
  const lane = store.lane('a')
  const names = ['completed', 'failed', 'cancelled', 'running', 'waiting'] as const
  const [completed, failed, cancelled, running, waiting] = await store.add(
    names.map((text) => newJob(lane, text)),
  )
  const [first, second] = await claimNext(store, 2)
  assert.ok(completed && failed && cancelled && running && waiting && first && second)
  await store.settle([
    { outcome: 'completed', job: first, output: Buffer.from('out'), startedAt: 1 },
    { outcome: 'failed', job: second, head: { attempt: 1 } },
  ])
  await cancel(store, cancelled)
  await claimNext(store, 1)
  const [delayed] = await store.add([newJob(lane, 'delayed', { runAt: LATER })])
  assert.ok(delayed)
  return { completed, failed, cancelled, running, waiting, delayed }
}
