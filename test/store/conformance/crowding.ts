import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claimed, Store } from '../../../src/store/store.js'
import { chanceOf } from '../../support/chance.js'
import {
  claimNext,
  claimSome,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  textOf,
} from '../../support/store.js'
import { completed, KnownJobs, pages } from './known-jobs.js'

/** Many small jobs that come in together: an engine may store them together, and nobody must notice. */
export function crowding(open: OpenStore): void {
  for (const count of [1, 3, 4, 5, 255, 256, 257, 1000])
    test(`${count} small jobs that are added at once are all there, in their order`, async (t) => {
      const opened = await open(t)
      const lane = opened.store.lane('a')
      const texts = Array.from({ length: count }, (_, index) => `job ${index}`)
      const places = await opened.store.add(texts.map((text) => newJob(lane, text)))
      assert.equal(new Set(places.map(({ seq }) => seq)).size, count)
      for await (const { store } of nowAndAfterCrash(opened)) {
        for (const limit of [3, 100, count]) assert.deepEqual((await pages(store, limit)).map(textOf), texts)
        assert.deepEqual((await claimNext(store)).map(textOf), texts)
        assert.equal((await claimNext(store)).length, 0)
      }
    })

  test('jobs that are added one by one in one turn are all there, in their order', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    const additions = Array.from({ length: 300 }, (_, index) =>
      opened.store.addOne(newJob(index % 3 === 0 ? b : a, `${index}`)),
    )
    await Promise.all(additions.map(({ written }) => written))
    for await (const { store } of nowAndAfterCrash(opened)) {
      for (const { job } of additions) {
        const found = await store.get(job.place)
        assert.deepEqual([found?.state, found && textOf(found)], ['waiting', textOf(job)])
      }
      assert.deepEqual(
        (await claimNext(store)).map(textOf),
        additions.map((_, index) => `${index}`),
      )
    }
  })

  for (const seed of [1, 2])
    test(`whatever becomes of single ones among many, the others are untouched (seed ${seed})`, async (t) => {
      const chance = chanceOf(seed)
      const known = new KnownJobs(await open(t), chance)
      for (let round = 0; round < 4; round++) {
        await known.add()
        await known.settle()
        await known.change()
        if (round % 2 === 1) await known.crash()
        await known.check()
      }
      await known.reopen()
      await known.check()
    })

  test('a backlog of many more than memory holds is claimed whole and in order, and what is urgent comes first', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    const of = (prefix: string, count: number, priority: number) =>
      Array.from({ length: count }, (_, index) => newJob(lane, `${prefix}${index}`, { priority }))
    const usual = of('usual ', 18_000, 0)
    for (let at = 0; at < usual.length; at += 900) await store.add(usual.slice(at, at + 900))
    const first = await claimNext(store, 100)
    await store.add(of('urgent ', 700, -1))
    await store.settle(first.slice(0, 50).map(completed))
    await store.settle(first.slice(50).map((job) => ({ outcome: 'released', job })))
    const rest = await claimAll(store, 17_950 + 700)
    const names = (prefix: string, from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `${prefix}${from + index}`)
    assert.deepEqual(rest.map(textOf), [...names('urgent ', 0, 700), ...names('usual ', 50, 18_000)])
    assert.equal(store.counts().waiting, 0)
    await store.settle(rest.filter((_, index) => index % 7 !== 0).map(completed))
    const again = (await opened.crash()).store
    const left = rest.filter((_, index) => index % 7 === 0)
    assert.deepEqual((await claimAll(again, left.length)).map(textOf), left.map(textOf))
    assert.equal(again.counts().completed, 18_700 - left.length)
  })
  test('a lane with more jobs than memory holds, small and large ones mixed, is claimed whole and in order', {
    timeout: 60_000,
  }, async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const texts = Array.from({ length: 24_000 }, (_, index) => `${index}`.padEnd(index % 12 === 0 ? 2500 : 5))
    for (let at = 0; at < texts.length; at += 2000)
      await store.add(texts.slice(at, at + 2000).map((text) => newJob(lane, text)))
    const claimed = await claimAll(store, texts.length)
    assert.equal(claimed.length, texts.length)
    assert.ok(claimed.every((job, index) => textOf(job) === texts[index]))
  })

  test('a job that ends in the turn in which its lane is read anew is not claimed again', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    await store.add(Array.from({ length: 40 }, (_, index) => newJob(lane, `usual ${index}`)))
    const usual = [...(await claimNext(store))]
    const count = 30
    for (let index = 0; index < count; index++)
      await store.add([{ lane, priority: -1, head: undefined, input: Buffer.alloc(1 << 20) }])
    for (let urgent = 0; urgent < count; ) {
      const claim = claimSome(store, 1)
      if (claim) {
        const [job] = usual.splice(0, 1)
        await Promise.all([claim.written, job && store.settle([completed(job)])])
        assert.deepEqual(
          claim.jobs.map(({ place }) => place.priority),
          [-1],
        )
        await store.settle(claim.jobs.map(completed))
        urgent++
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await store.get({ lane, priority: 0, seq: 1 })
    assert.equal(claimSome(store), undefined)
    assert.deepEqual([store.counts().waiting, store.counts().running], [0, usual.length])
  })
}

/** Claims so many jobs, however often it has to be asked. */
async function claimAll(store: Store, count: number): Promise<Claimed[]> {
  const jobs: Claimed[] = []
  while (jobs.length < count) {
    jobs.push(...(await claimNext(store, 1300)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return jobs
}
