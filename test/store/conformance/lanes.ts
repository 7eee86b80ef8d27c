import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '../../../src/store/store.js'
import { cancel, claimNext, claimSome, newJob, type OpenStore, revive, textOf } from '../../support/store.js'

const LANES = 200

export function lanes(open: OpenStore): void {
  test('of many lanes, the next job is always the one of the highest priority, then the oldest', async (t) => {
    const opened = await open(t)
    const jobs = shuffled(3 * LANES).map((index) =>
      newJob(opened.store.lane(`task ${index % LANES}`), `${index}`, { priority: index % 7 }),
    )
    await opened.store.add(jobs)
    const expected = [0, 1, 2, 3, 4, 5, 6].flatMap((priority) =>
      jobs.filter((job) => job.priority === priority),
    )
    const texts = expected.map(({ input }) => input.toString())
    const half = await one(opened.store, texts.length / 2)
    assert.deepEqual(half, texts.slice(0, half.length))
    // What was claimed and not settled waits again, and runs alone: it comes first.
    const { store } = await opened.crash()
    assert.deepEqual(await one(store, texts.length), texts)
    assert.deepEqual(
      store.claim(() => 'take'),
      undefined,
    )
  })

  test('lanes that a claim skips are shown again by the next one, in order', async (t) => {
    const { store } = await open(t)
    const numbers = shuffled(LANES)
    await store.add(numbers.map((index) => newJob(store.lane(`task ${index}`), `${index}`)))
    const chosen = store.lane(`task ${numbers[120]}`)
    const shown: number[] = []
    const claim = store.claim(({ place }) => {
      shown.push(place.lane)
      return place.lane === chosen ? 'take' : 'skip'
    })
    assert.equal(claim?.jobs.length, 1)
    assert.equal(new Set(shown).size, LANES)
    assert.throws(() => store.claim(({ place }) => (place.seq % 2 ? 'skip' : thrown())), /thrown/)
    assert.deepEqual((await claimNext(store)).map(textOf), numbers.filter((_, at) => at !== 120).map(String))
  })

  test('a lane that becomes empty takes new jobs, and those that come back to it', async (t) => {
    const { store } = await open(t)
    const [a, b] = [store.lane('a'), store.lane('b')]
    for (let round = 0; round < 3; round++) {
      const [first] = await store.add([newJob(a, 'a1'), newJob(b, 'b1')])
      const [job, other] = await claimNext(store)
      assert.ok(first && job && other)
      assert.deepEqual([store.counts(a).waiting, store.counts(a).running], [0, 1])
      // It runs, while others come after it and it comes back before them.
      await store.add([newJob(a, 'a2')])
      await store.settle([
        { outcome: 'released', job },
        { outcome: 'failed', job: other, head: { attempt: 1 } },
      ])
      const again = await claimNext(store)
      assert.deepEqual(again.map(textOf), ['a1', 'a2'])
      await store.settle(again.map((each) => ({ outcome: 'failed', job: each, head: { attempt: 1 } })))
      assert.equal(await revive(store, first, 1), true)
      assert.equal(await cancel(store, first), true)
      assert.equal(await cancel(store, first), false)
      assert.equal(claimSome(store), undefined)
    }
    assert.deepEqual([store.counts(a).failed, store.counts(a).cancelled, store.counts(b).failed], [3, 3, 3])
  })

  test('a lane of which only the first jobs are in memory keeps its place among the others', async (t) => {
    const { store } = await open(t)
    const [large, small] = [store.lane('large'), store.lane('small')]
    const jobs = Array.from({ length: 20_000 }, (_, index) =>
      newJob(index % 10 === 9 ? small : large, `${index}`),
    )
    await store.add(jobs)
    const claimed: string[] = []
    while (claimed.length < jobs.length) {
      const isFilled = runnable(store)
      const batch = await claimNext(store, 900)
      // A lane that is being read shows nothing meanwhile. Its jobs come later then, but none is lost.
      if (batch.length === 0) await isFilled
      claimed.push(...batch.map(textOf))
      await store.settle(batch.map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
    }
    for (const isSmall of [true, false]) {
      const own = (text: string) => (Number(text) % 10 === 9) === isSmall
      assert.deepEqual(claimed.filter(own), jobs.map((_, index) => `${index}`).filter(own))
    }
    assert.equal(store.counts().waiting, 0)
  })

  test('a lane is busy while its jobs wait, run or are delayed', async (t) => {
    const opened = await open(t)
    const [a, b, c] = ['a', 'b', 'c'].map((task) => opened.store.lane(task))
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    await opened.store.add([
      newJob(a, '1'),
      newJob(b, '2', { runAt: Date.now() + 3_600_000 }),
      newJob(c, '3'),
    ])
    assert.deepEqual([...opened.store.busyLanes()], [a, b, c])
    const [first, third] = await claimNext(opened.store)
    assert.ok(first && third)
    assert.deepEqual([...opened.store.busyLanes()], [a, b, c])
    await opened.store.settle([{ outcome: 'failed', job: first, head: { attempt: 1 } }])
    assert.deepEqual([...opened.store.busyLanes()].sort(), [b, c])
    const { store } = await opened.crash()
    assert.deepEqual([...store.busyLanes()].sort(), [b, c])
    assert.equal(await cancel(store, third.place), true)
    assert.equal(await revive(store, first.place, 1), true)
    assert.deepEqual([...store.busyLanes()].sort(), [a, b])
  })
}

/** Claims so many jobs, each by itself. */
async function one(store: Store, count: number): Promise<string[]> {
  const texts: string[] = []
  for (let index = 0; index < count; index++) texts.push(...(await claimNext(store, 1)).map(textOf))
  return texts
}

/** The numbers below `count` in an order that is always the same and has no pattern. */
function shuffled(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index).sort((a, b) => mixed(a) - mixed(b))
}

function mixed(number: number): number {
  return Math.imul(number + 1, 0x9e3779b1) >>> 0
}

function thrown(): never {
  throw new Error('thrown')
}

/** Fulfilled the next time that jobs may have become claimable. */
function runnable(store: Store): Promise<void> {
  return new Promise((resolve) => {
    store.watch({ runnable: resolve, due() {}, broken() {} })
  })
}
