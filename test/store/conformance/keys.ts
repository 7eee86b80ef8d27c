import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Added } from '../../../src/store/store.js'
import { cancel, claimNext, newJob, type OpenStore, remove, revive } from '../../support/store.js'

/** Idempotency keys: a job whose key is taken is not added again. */
export function keys(open: OpenStore): void {
  test('a job whose key is taken is not added: the place is that of the one there is', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const [first] = await opened.store.add([newJob(lane, 'first', { key: 'k' })])
    assert.deepEqual(await opened.store.add([newJob(lane, 'second', { key: 'k', priority: 5 })]), [
      existing(first),
    ])
    const { store } = await opened.reopen()
    assert.deepEqual(await store.add([newJob(lane, 'third', { key: 'k' })]), [existing(first)])
    assert.equal(store.counts().waiting, 1)
    assert.equal(String(Buffer.from((await store.get(first ?? assert.fail()))?.body ?? [])), 'first')
  })

  test('within one call, the first job with a key is added, and answers for the others', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const places = await store.add([
      newJob(lane, '1'),
      newJob(lane, '2', { key: 'k' }),
      newJob(lane, '3'),
      newJob(lane, '4', { key: 'k' }),
      newJob(lane, '5', { key: 'other' }),
    ])
    assert.deepEqual(places[3], existing(places[1]))
    assert.equal(new Set(places.map(({ seq }) => seq)).size, 4)
    assert.equal(store.counts().waiting, 4)
  })

  test('of calls that come at the same time with one key, one adds the job', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const answers: Promise<Added[]>[] = []
    for (let turn = 0; turn < 50; turn++) {
      for (let call = 0; call < 4; call++)
        answers.push(store.add([newJob(lane, 'x', { key: `k${turn % 5}` })]))
      // Calls of one turn, of turns in which a look-up is under way, and of turns in which a write is.
      await new Promise((resolve) => (turn % 2 ? setImmediate(resolve) : process.nextTick(resolve)))
    }
    const places = (await Promise.all(answers)).flat()
    assert.equal(new Set(places.map(({ seq }) => seq)).size, 5)
    assert.equal(places.filter(({ existed }) => !existed).length, 5)
    assert.equal(store.counts().waiting, 5)
  })

  test('a key is a key of its lane', async (t) => {
    const { store } = await open(t)
    const [a, b] = [store.lane('a'), store.lane('b')]
    const [[first], [second]] = [
      await store.add([newJob(a, 'x', { key: 'k' })]),
      await store.add([newJob(b, 'x', { key: 'k' })]),
    ]
    assert.notDeepEqual(first, second)
    assert.equal(store.counts().waiting, 2)
  })

  test('a key is taken while its job runs, waits again, is delayed, or is kept after its end', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const add = async () => (await store.add([newJob(lane, 'x', { key: 'k' })]))[0] ?? assert.fail()
    const place = await add()
    const [job] = await claimNext(store)
    assert.ok(job)
    assert.deepEqual(await add(), existing(place))
    await store.settle([{ outcome: 'released', job }])
    assert.deepEqual(await add(), existing(place))
    assert.equal(await cancel(store, place), true)
    assert.deepEqual(await add(), existing(place))
    assert.equal(await revive(store, place, 1), true)
    assert.deepEqual(await add(), existing(place))
    const [again] = await claimNext(store)
    assert.ok(again)
    await store.settle([{ outcome: 'completed', job: again, output: Buffer.from('out'), startedAt: 1 }])
    assert.deepEqual(await add(), existing(place))
    assert.deepEqual((await store.get(place))?.state, 'completed')
  })

  test('a key is free once its job is removed, cleaned or pruned, or finished where nothing is kept', async (t) => {
    const { store } = await open(t, { keep: { failed: { count: 0 } } })
    const lane = store.lane('a')
    const add = async () => (await store.add([newJob(lane, 'x', { key: 'k' })]))[0] ?? assert.fail()
    const removed = await add()
    await remove(store, removed)
    const cleaned = await add()
    assert.notDeepEqual(cleaned, removed)
    await cancel(store, cleaned)
    assert.equal(await store.clean('cancelled', Date.now() + 1, 10), 1)
    const failed = await add()
    assert.notDeepEqual(failed, cleaned)
    const [job] = await claimNext(store)
    assert.ok(job)
    await store.settle([{ outcome: 'failed', job, head: { ...job.head, attempt: 1 } }])
    const last = await add()
    assert.notDeepEqual(last, failed)
    assert.deepEqual([store.counts().waiting, store.counts().failed], [1, 0])
  })

  test('a key may hold any character, keys that differ are different keys, and each is free when its job is gone', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const texts = ['a', 'A', 'ab', 'a\0b', 'é', 'e\u0301', '☂', '\u{1f600}', ' ', 'k'.repeat(1024)]
    const jobs = texts.map((key) => newJob(lane, 'x', { key }))
    const places = await opened.store.add(jobs)
    assert.equal(new Set(places.map(({ seq }) => seq)).size, jobs.length)
    const { store } = await opened.reopen()
    assert.deepEqual(await store.add(jobs), places.map(existing))
    for (const [index, place] of places.entries()) {
      assert.equal((await store.get(place))?.head.key, jobs[index]?.head?.key)
      await remove(store, place)
    }
    const again = await store.add(jobs)
    assert.equal(new Set([...places, ...again].map(({ seq }) => seq)).size, 2 * jobs.length)
  })
}

function existing(place: Added | undefined): Added {
  return { ...(place ?? assert.fail()), existed: true }
}
