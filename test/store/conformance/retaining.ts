import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FINISHED_STATES, type FinishedState } from '../../../src/job/job.js'
import type { Settlement, Store } from '../../../src/store/store.js'
import {
  cancel,
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenedStore,
  type OpenStore,
  remove,
  revive,
  textOf,
} from '../../support/store.js'

const YEAR_MS = 365 * 24 * 3_600_000

export function retaining(open: OpenStore): void {
  test('the newest so many of each state are kept', async (t) => {
    const keep = { completed: { count: 3 }, failed: { count: 2 }, cancelled: { count: 1 } }
    const opened = await open(t, { keep })
    const { store } = opened
    const lane = store.lane('a')
    for (const state of FINISHED_STATES) await finish(store, lane, state, ['1', '2', '3', '4', '5'])
    await store.prune(Date.now())
    for await (const each of nowAndAfterCrash(opened)) {
      assert.deepEqual(await kept(each.store, 'completed'), ['3', '4', '5'])
      assert.deepEqual(await kept(each.store, 'failed'), ['4', '5'])
      assert.deepEqual(await kept(each.store, 'cancelled'), ['5'])
      const { completed, failed, cancelled } = each.store.counts()
      assert.deepEqual([completed, failed, cancelled], [3, 2, 1])
    }
  })

  test('the count is of all lanes, and the oldest go first whichever lane they are of', async (t) => {
    const { store } = await open(t, { keep: { failed: { count: 2 } } })
    const [a, b] = [store.lane('a'), store.lane('b')]
    for (const [lane, text] of [
      [b, '1'],
      [a, '2'],
      [b, '3'],
      [a, '4'],
    ] as const)
      await finish(store, lane, 'failed', [text])
    await store.prune(Date.now())
    assert.deepEqual((await kept(store, 'failed')).sort(), ['3', '4'])
    assert.deepEqual([store.counts(a).failed, store.counts(b).failed], [1, 1])
  })

  test('finished jobs are kept up to an age', async (t) => {
    const opened = await open(t, { keep: { failed: { age: YEAR_MS } } })
    const { store } = opened
    const lane = store.lane('a')
    await finish(store, lane, 'failed', ['1', '2'])
    await finish(store, lane, 'completed', ['3'])
    await store.prune(Date.now() + YEAR_MS - 3_600_000)
    assert.equal(store.counts().failed, 2)
    await store.prune(Date.now() + YEAR_MS + 1)
    assert.deepEqual([store.counts().failed, store.counts().completed], [0, 1])
    assert.deepEqual((await (await opened.reopen()).store.list({ limit: 9 })).map(textOf), ['3'])
  })

  test('with a count, bytes or an age of 0, nothing is kept at all', async (t) => {
    for (const none of [{ count: 0 }, { bytes: 0 }, { age: 0 }])
      await assertKeepsFailedOnly(await open(t, { keep: { completed: none, cancelled: none } }))
  })

  async function assertKeepsFailedOnly({ store }: OpenedStore): Promise<void> {
    const lane = store.lane('a')
    for (const state of FINISHED_STATES) await finish(store, lane, state, ['x'])
    const [place] = await store.add([newJob(lane, 'cancelled while it waited')])
    assert.equal(await cancel(store, place ?? assert.fail()), true)
    assert.deepEqual(
      (await store.list({ limit: 9 })).map(({ state }) => state),
      ['failed'],
    )
    assert.deepEqual([store.counts().completed, store.counts().cancelled, store.counts().waiting], [0, 0, 0])
  }

  test('more is kept, or less, as the next open says', async (t) => {
    const opened = await open(t)
    await finish(opened.store, opened.store.lane('a'), 'completed', ['1', '2', '3', '4'])
    const { store } = await opened.reopen({ keep: { completed: { count: 1 } } })
    assert.equal(store.counts().completed, 4)
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'completed'), ['4'])
  })

  test('many that finished together are cut in the middle, many times over', async (t) => {
    const { store } = await open(t, { keep: { completed: { count: 1000 } } })
    const lane = store.lane('a')
    const texts = Array.from({ length: 900 }, (_, index) => `${index}`)
    for (let round = 0; round < 4; round++)
      await finish(
        store,
        lane,
        'completed',
        texts.map((text) => `${round}-${text}`),
      )
    // Comes after what the store prunes by itself.
    await store.clean('cancelled', 0, 1)
    const { completed } = store.counts()
    assert.ok(completed >= 1000 && completed <= 1100, `${completed} are kept`)
    await store.prune(Date.now())
    const expected = [...texts.slice(-100).map((text) => `2-${text}`), ...texts.map((text) => `3-${text}`)]
    assert.deepEqual(await kept(store, 'completed'), expected)
  })

  test('a job that is revived or removed is no longer counted among the finished, and not pruned', async (t) => {
    const { store } = await open(t, { keep: { failed: { count: 2 } } })
    const lane = store.lane('a')
    const places = await store.add(['1', '2', '3', '4'].map((text) => newJob(lane, text)))
    const jobs = await claimNext(store)
    const [one, two] = places
    assert.ok(one && two)
    await store.settle(jobs.slice(0, 2).map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
    await revive(store, one, 1)
    await remove(store, two)
    await store.settle(jobs.slice(2).map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'failed'), ['3', '4'])
    assert.equal((await store.get(one))?.state, 'waiting')
  })

  test('clean deletes by state, time, number and lane, the oldest first', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [a, b] = [store.lane('a'), store.lane('b')]
    await finish(store, a, 'completed', ['1', '2', '3'])
    await finish(store, b, 'completed', ['4', '5'])
    await finish(store, a, 'failed', ['6'])
    const now = Date.now() + 1
    assert.equal(await store.clean('completed', now - YEAR_MS, 100), 0)
    assert.equal(await store.clean('completed', now, 0), 0)
    assert.equal(await store.clean('completed', now, 1, b), 1)
    assert.deepEqual(await kept(store, 'completed'), ['1', '2', '3', '5'])
    assert.equal(await store.clean('completed', now, 2), 2)
    assert.deepEqual(await kept(store, 'completed'), ['3', '5'])
    assert.equal(await store.clean('completed', now, Number.POSITIVE_INFINITY), 2)
    assert.deepEqual([store.counts(a).completed, store.counts(b).completed], [0, 0])
    assert.deepEqual((await (await opened.reopen()).store.list({ limit: 9 })).map(textOf), ['6'])
  })
  test('clean stops at its limit within the jobs that finished together', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    await finish(store, lane, 'failed', ['1', '2', '3'])
    await finish(store, lane, 'failed', ['4', '5', '6'])
    assert.equal(await store.clean('failed', Date.now() + 1, 4), 4)
    assert.deepEqual(await kept(store, 'failed'), ['5', '6'])
  })
}

/** Adds, claims and settles jobs, all in this state, in one call. */
async function finish(store: Store, lane: number, state: FinishedState, texts: string[]): Promise<void> {
  await store.add(texts.map((text) => newJob(lane, text)))
  const jobs = await claimNext(store)
  await store.settle(
    jobs.map(
      (job): Settlement =>
        state === 'completed'
          ? { outcome: state, job, output: job.input, startedAt: 1 }
          : { outcome: state, job, head: { attempt: 1 } },
    ),
  )
}

async function kept(store: Store, state: FinishedState): Promise<string[]> {
  return (await store.list({ states: [state], limit: 2000 })).map(textOf)
}
