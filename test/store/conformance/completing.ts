import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../../../src/job/job.js'
import type { Claimed, Store } from '../../../src/store/store.js'
import { chanceOf } from '../../support/chance.js'
import { claimNext, newJob, nowAndAfterCrash, type OpenStore, remove, textOf } from '../../support/store.js'
import { completed, pages } from './known-jobs.js'

/** Many small jobs that complete together: an engine may store them together, and nobody must notice. */
export function completing(open: OpenStore): void {
  for (const bytes of [1, 900])
    test(`jobs that complete together, out of order, with outputs of ${bytes} bytes are listed in order`, async (t) => {
      const chance = chanceOf(3)
      const opened = await open(t)
      const texts = Array.from({ length: 200 }, (_, index) => `${index}`)
      await opened.store.add(texts.map((text) => newJob(opened.store.lane('a'), text)))
      const jobs = await claimNext(opened.store)
      const outputOf = (text: string) => Buffer.from(text.padEnd(bytes, '.'))
      const parts: Claimed[][] = [[], [], [], []]
      // The first part in order, as one thread sends them; the others as they come.
      for (const job of jobs) parts[chance.below(4)]?.[chance.is(0.5) ? 'push' : 'unshift'](job)
      parts[0]?.sort((a, b) => a.place.seq - b.place.seq)
      await Promise.all(
        parts.map((part) =>
          opened.store.settle(part.map((job) => ({ ...completed(job), output: outputOf(textOf(job)) }))),
        ),
      )
      for await (const { store } of nowAndAfterCrash(opened)) {
        const found = await pages(store, 30)
        assert.deepEqual(
          found.map(({ body }) => Buffer.from(body)),
          texts.map(outputOf),
        )
        assert.equal(store.counts().completed, 200)
        for (const { place } of jobs) assert.equal((await store.get(place))?.state, 'completed')
      }
    })

  test('jobs that came in together and completed in several writes, out of order, are listed in full pages', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const texts = Array.from({ length: 48 }, (_, index) => `${index}`)
    await opened.store.add(texts.slice(0, 24).map((text) => newJob(lane, text)))
    await opened.store.add(texts.slice(24).map((text) => newJob(lane, text)))
    const jobs = await claimNext(opened.store)
    // Each write has jobs from the whole of what came in together.
    for (const part of [2, 0, 1])
      await opened.store.settle(jobs.filter((_, index) => index < 24 && index % 3 === part).map(completed))
    await opened.store.settle(jobs.slice(24).map(completed))
    for await (const { store } of nowAndAfterCrash(opened)) {
      const found: string[] = []
      for (let after: Place | undefined; found.length < 48; ) {
        const page = await store.list({ limit: 8, states: ['completed'], ...(after && { after }) })
        assert.equal(page.length, 8)
        found.push(...page.map(textOf))
        after = page.at(-1)?.place
      }
      assert.deepEqual(found, texts)
    }
  })
  test('of many that completed together just the newest so many are kept', async (t) => {
    const opened = await open(t, { keep: { completed: { count: 10 } } })
    const texts = await completeMany(opened.store, opened.store.lane('a'), 100)
    await opened.store.prune(Date.now())
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual((await store.list({ limit: 200 })).map(textOf), texts.slice(90))
      assert.equal(store.counts().completed, 10)
    }
    const { store } = await opened.reopen()
    const more = await completeMany(store, store.lane('a'), 4)
    await store.prune(Date.now())
    assert.deepEqual((await store.list({ limit: 200 })).map(textOf), [...texts.slice(94), ...more])
    await store.prune(Date.now() + 1)
    assert.equal(store.counts().completed, 10)
  })

  test('of many that completed together all go when they are too old', async (t) => {
    const opened = await open(t, { keep: { completed: { age: 3_600_000 } } })
    await completeMany(opened.store, opened.store.lane('a'), 100)
    await opened.store.prune(Date.now() + 3_000_000)
    assert.equal(opened.store.counts().completed, 100)
    await opened.store.prune(Date.now() + 3_700_000)
    for await (const { store } of nowAndAfterCrash(opened))
      assert.deepEqual([await store.list({ limit: 9 }), store.counts().completed], [[], 0])
  })

  test('of many that completed together clean deletes as many as it is told, of the lane that it is told', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    const jobs = Array.from({ length: 60 }, (_, index) => newJob(index % 2 ? b : a, `${index}`))
    await opened.store.add(jobs)
    await opened.store.settle((await claimNext(opened.store)).map(completed))
    const { store } = opened
    const soon = Date.now() + 1
    assert.equal(await store.clean('completed', soon, 7, b), 7)
    assert.deepEqual([store.counts(a).completed, store.counts(b).completed], [30, 23])
    assert.equal(await store.clean('completed', soon, 40), 40)
    assert.equal(store.counts().completed, 13)
    const left = await store.list({ limit: 100 })
    assert.equal(left.length, 13)
    const again = (await opened.crash()).store
    assert.deepEqual(await again.list({ limit: 100 }), left)
    assert.equal(await again.clean('completed', soon, Number.POSITIVE_INFINITY), 13)
    assert.deepEqual(await again.list({ limit: 100 }), [])
  })

  test('one of many that completed together is removed, and later the others are', async (t) => {
    const opened = await open(t)
    const texts = await completeMany(opened.store, opened.store.lane('a'), 50)
    const all = await opened.store.list({ limit: 100 })
    for (const index of [0, 20, 49]) {
      const { place } = all[index] ?? assert.fail('it is there')
      assert.equal(await remove(opened.store, place), true)
      assert.equal(await remove(opened.store, place), false)
      assert.equal(await opened.store.get(place), undefined)
    }
    const rest = texts.filter((_, index) => ![0, 20, 49].includes(index))
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual((await store.list({ limit: 100 })).map(textOf), rest)
      assert.equal(store.counts().completed, 47)
    }
    const { store } = await opened.reopen()
    assert.equal(await store.clean('completed', Date.now() + 1, 5), 5)
    assert.deepEqual((await store.list({ limit: 100 })).map(textOf), rest.slice(5))
    for (const { place } of await store.list({ limit: 100 })) assert.equal(await remove(store, place), true)
    assert.deepEqual([await store.list({ limit: 100 }), store.counts().completed], [[], 0])
  })
}

/** Adds so many and completes them at once. Their texts. */
async function completeMany(store: Store, lane: number, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => `${count}-${index}`)
  await store.add(texts.map((text) => newJob(lane, text)))
  await store.settle((await claimNext(store)).map(completed))
  return texts
}
