import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  textOf,
  waitingTexts,
} from '../../support/store.js'

const SOON = Date.now() + 3_600_000

export function delaying(open: OpenStore): void {
  test('a job whose time has come when it is added waits; one whose time is to come is delayed', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const places = await store.add([
      newJob(lane, 'past', { runAt: 1 }),
      newJob(lane, 'future', { runAt: SOON }),
    ])
    const stored = await Promise.all(places.map((place) => store.get(place)))
    assert.deepEqual(
      stored.map((job) => [job?.state, job?.head.runAt]),
      [
        ['waiting', 1],
        ['delayed', SOON],
      ],
    )
    assert.deepEqual([store.counts().waiting, store.counts().delayed], [1, 1])
    assert.deepEqual((await claimNext(store)).map(textOf), ['past'])
  })

  test('the next due time is the earliest, whatever the order of priorities, lanes and additions', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    assert.equal(opened.store.nextDue(), undefined)
    await opened.store.add([newJob(a, '1', { runAt: SOON + 5, priority: -5 })])
    await opened.store.add([newJob(b, '2', { runAt: SOON + 3, priority: 5 })])
    await opened.store.add([newJob(a, '3', { runAt: SOON + 4 })])
    assert.equal(opened.store.nextDue(), SOON + 3)
    const { store } = await opened.reopen()
    assert.equal(store.nextDue(), SOON + 3)
    assert.equal(await store.promote(SOON + 4), 2)
    assert.equal(store.nextDue(), SOON + 5)
    assert.equal(await store.promote(SOON + 5), 1)
    assert.equal(store.nextDue(), undefined)
    assert.deepEqual(await waitingTexts(store), ['1', '3', '2'])
  })

  test('a job that is due goes to its old place: before what is younger, behind what is older', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    await opened.store.add([
      newJob(lane, 'older'),
      newJob(lane, 'due', { runAt: SOON }),
      newJob(lane, 'younger'),
    ])
    assert.equal(await opened.store.promote(SOON - 1), 0)
    assert.equal(await opened.store.promote(SOON), 1)
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual(await waitingTexts(store), ['older', 'due', 'younger'])
      assert.deepEqual([store.counts().waiting, store.counts().delayed], [3, 0])
    }
  })

  test('more jobs than one call promotes are all promoted by as many calls as it takes, once each', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const many = 2500
    await store.add(
      Array.from({ length: many }, (_, index) => newJob(lane, `${index}`, { runAt: SOON + (index % 7) })),
    )
    const promoted: number[] = []
    let sum = 0
    while (sum < many) {
      // Two at a time, as a timer and an application may.
      const both = await Promise.all([store.promote(SOON + 7), store.promote(SOON + 7)])
      promoted.push(...both)
      sum += both[0] + both[1]
      assert.deepEqual([store.counts().waiting, store.counts().delayed], [sum, many - sum])
      assert.ok(promoted.length < 100, 'it stopped')
    }
    assert.equal(await store.promote(SOON + 7), 0)
    assert.deepEqual(
      await waitingTexts(store),
      Array.from({ length: many }, (_, index) => `${index}`),
    )
  })

  test('delayed jobs beyond what memory holds are due in their turn', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const many = 12_000
    // The latest first: each next one goes before all that memory holds.
    await opened.store.add(
      Array.from({ length: many }, (_, index) => newJob(lane, '', { runAt: SOON + many - index })),
    )
    const { store } = await opened.reopen()
    let tell = () => {}
    store.watch({ runnable() {}, due: () => tell(), broken: assert.fail })
    for (let now = SOON + 1000; now <= SOON + many; now += 1000) {
      for (let due = 1000; due > 0; ) {
        const refilled = new Promise<void>((resolve) => {
          tell = resolve
        })
        const promoted = await store.promote(now)
        if (promoted === 0) await refilled
        due -= promoted
      }
      assert.equal(store.counts().waiting, now - SOON)
    }
    assert.deepEqual([store.counts().delayed, store.nextDue()], [0, undefined])
  })

  test('a job that was delayed, and is delayed again behind more than memory holds, is due in its turn', {
    timeout: 60_000,
  }, async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const many = 5000
    const [place] = await store.add([newJob(lane, 'again', { runAt: SOON })])
    assert.ok(place)
    assert.equal(await store.promote(SOON), 1)
    const [job] = await claimNext(store)
    assert.ok(job)
    await store.add(Array.from({ length: many }, () => newJob(lane, '', { runAt: SOON })))
    await store.settle([{ outcome: 'retry', job, head: { attempt: 1, runAt: SOON + 1 } }])
    for (let promoted = 0; promoted < many + 1; ) {
      const some = await store.promote(SOON + 1)
      promoted += some
      // What memory lacks is being read.
      if (some === 0) assert.ok(await store.get(place))
    }
    assert.deepEqual([store.counts().delayed, (await store.get(place))?.state], [0, 'waiting'])
  })
}
