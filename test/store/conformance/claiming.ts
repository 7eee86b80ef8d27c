import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pick, Waiting } from '../../../src/store/store.js'
import {
  cancel,
  claimNext,
  claimSome,
  newJob,
  type OpenStore,
  revive,
  textOf,
  waitingTexts,
} from '../../support/store.js'

export function claiming(open: OpenStore): void {
  test('candidates are shown by priority, then by age, across lanes', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    await opened.store.add([newJob(a, '3', { priority: 1 }), newJob(b, '1'), newJob(a, '2')])
    await opened.store.add([newJob(b, '4', { priority: 1 }), newJob(a, '0', { priority: -1 })])
    assert.deepEqual(await waitingTexts(opened.store), ['0', '1', '2', '3', '4'])
    const { store } = await opened.reopen()
    assert.deepEqual((await claimNext(store)).map(textOf), ['0', '1', '2', '3', '4'])
  })

  test('take takes one, skip leaves the rest of its lane, stop ends', async (t) => {
    const { store } = await open(t)
    const [a, b] = [store.lane('a'), store.lane('b')]
    await store.add(['a1', 'b1', 'a2', 'b2', 'b3'].map((text) => newJob(text[0] === 'a' ? a : b, text)))
    const answers: Pick[] = ['take', 'take', 'skip', 'take', 'stop']
    const shown: Waiting[] = []
    const claim = store.claim((candidate) => {
      shown.push(candidate)
      return answers[shown.length - 1] ?? assert.fail('asked after stop')
    })
    await claim?.written
    assert.deepEqual(claim?.jobs.map(textOf), ['a1', 'b1', 'b2'])
    assert.deepEqual(
      shown.map(({ place }) => store.task(place.lane)),
      ['a', 'b', 'a', 'b', 'b'],
    )
    assert.ok(shown.every(({ bytes, alone }) => bytes > 0 && !alone))
    assert.deepEqual(await waitingTexts(store), ['a2', 'b3'])
  })

  test('a claim that takes nothing is none, and changes nothing', async (t) => {
    const { store } = await open(t)
    const [a, b] = [store.lane('a'), store.lane('b')]
    assert.equal(
      store.claim(() => assert.fail('nothing to show')),
      undefined,
    )
    await store.add([newJob(a, '1'), newJob(b, '2')])
    assert.equal(
      store.claim(() => 'stop'),
      undefined,
    )
    assert.equal(
      store.claim(() => 'skip'),
      undefined,
    )
    assert.equal(store.counts().running, 0)
    assert.deepEqual(await waitingTexts(store), ['1', '2'])
  })

  test('a claimed job is running, is counted so at once, and is not shown again', async (t) => {
    const { store } = await open(t)
    const [a, b] = [store.lane('a'), store.lane('b')]
    const [place] = await store.add([newJob(a, '1'), newJob(a, '2'), newJob(b, '3')])
    assert.ok(place)
    assert.equal(store.isLive(place), true)
    const claim = claimSome(store, 1)
    assert.ok(claim)
    assert.deepEqual([store.counts().waiting, store.counts().running], [2, 1])
    assert.deepEqual([store.counts(a).waiting, store.counts(a).running], [1, 1])
    assert.deepEqual([store.counts(b).waiting, store.counts(b).running], [1, 0])
    await claim.written
    assert.equal((await store.get(place))?.state, 'running')
    assert.equal(store.isLive(place), true)
    assert.deepEqual((await claimNext(store)).map(textOf), ['2', '3'])
    assert.deepEqual(await claimNext(store), [])
  })

  test('a claim says which attempt this is, and carries the history', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    await store.add([newJob(lane, 'x', { attempts: 5 })])
    const [first] = await claimNext(store)
    assert.ok(first)
    assert.deepEqual([first.attempt, first.head], [1, { attempts: 5 }])
    const failures = [{ attempt: 1, at: 1, name: 'Error', message: 'no' }]
    await store.settle([{ outcome: 'retry', job: first, head: { ...first.head, attempt: 1, failures } }])
    const [second] = await claimNext(store)
    assert.deepEqual([second?.attempt, second?.head], [2, { attempts: 5, attempt: 1, failures }])
    assert.equal(second?.enqueuedAt, first.enqueuedAt)
  })

  test('who watches is told of everything that makes jobs claimable', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const told: string[] = []
    store.watch({ runnable: () => told.push('runnable'), due: () => told.push('due'), broken: assert.fail })
    const tells = async (event: string, change: () => Promise<unknown>) => {
      told.length = 0
      await change()
      assert.ok(told.includes(event), `${change}`)
    }
    await tells('runnable', () => store.add([newJob(lane, '1')]))
    await tells('due', () => store.add([newJob(lane, '2', { runAt: Date.now() + 3_600_000 })]))
    await tells('runnable', () => store.promote(Date.now() + 7_200_000))
    const [one, two] = await claimNext(store)
    assert.ok(one && two)
    await tells('runnable', () => store.settle([{ outcome: 'released', job: one }]))
    await tells('due', () =>
      store.settle([{ outcome: 'retry', job: two, head: { attempt: 1, runAt: Date.now() + 3_600_000 } }]),
    )
    await tells('runnable', () => revive(store, two.place, 1))
    const again = await claimNext(store)
    await tells('runnable', () =>
      store.settle(again.map((job) => ({ outcome: 'retry', job, head: { ...job.head, attempt: 2 } }))),
    )
  })

  test('a backlog larger than memory holds comes out whole and in order, whatever joins and leaves meanwhile', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const runnable = runnables(store)
    const jobs = Array.from({ length: 18_000 }, (_, index) =>
      newJob(lane, `${index}`, { priority: index % 3 }),
    )
    const places = await store.add(jobs)
    const order = [0, 1, 2].flatMap((rest) => jobs.map((_, index) => index).filter((n) => n % 3 === rest))
    // Far behind what is in memory, and right at its front.
    const gone = [order.at(-1), order[9000], order[0]]
    for (const index of gone) assert.equal(await cancel(store, places[index ?? -1] ?? assert.fail()), true)
    const expected = order.filter((index) => !gone.includes(index)).map(String)
    const claimed: string[] = []
    let isUrgentAdded = false
    while (claimed.length < expected.length) {
      const batch = claimSome(store, 1700)
      if (!batch) {
        await runnable()
        continue
      }
      claimed.push(...batch.jobs.map(textOf))
      const [first, ...others] = batch.jobs
      assert.ok(first)
      // The first goes back to its place, and comes again at once.
      const settled = store.settle([{ outcome: 'released', job: first }])
      if (!isUrgentAdded) void store.add([newJob(lane, 'urgent', { priority: -9 })])
      await settled
      const back = await claimNext(store, isUrgentAdded ? 1 : 2)
      assert.deepEqual(back.map(textOf), isUrgentAdded ? [textOf(first)] : ['urgent', textOf(first)])
      isUrgentAdded = true
      await store.settle(
        [...back, ...others].map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })),
      )
    }
    assert.deepEqual(claimed, expected)
    assert.deepEqual(
      [store.counts().waiting, store.counts().failed, store.counts().cancelled],
      [0, expected.length + 1, 3],
    )
  })
}

/** Waits for the next time that jobs may have become claimable. Call it only where nothing is being awaited otherwise. */
function runnables(store: { watch(events: { runnable(): void; due(): void; broken(): void }): void }) {
  let told = false
  let tell = () => {}
  store.watch({
    runnable() {
      told = true
      tell()
    },
    due() {},
    broken() {},
  })
  return async () => {
    if (!told)
      await new Promise<void>((resolve) => {
        tell = resolve
      })
    told = false
  }
}
