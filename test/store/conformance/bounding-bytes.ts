/** What is bounded in bytes: finished jobs that are kept, and the backlog. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FinishedState } from '../../../src/job/job.js'
import type { Settlement, Store } from '../../../src/store/store.js'
import {
  cancel,
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  remove,
  revive,
  textOf,
} from '../../support/store.js'

const FAILURE = { attempt: 1, at: 1, name: 'Error', message: 'no' }
const LATER = Date.now() + 3_600_000

export function boundingBytes(open: OpenStore): void {
  test('the newest jobs of each state that fit into its bytes are kept', async (t) => {
    const keep = { completed: { bytes: 3500 }, failed: { bytes: 1500 }, cancelled: { bytes: 999 } }
    const opened = await open(t, { keep })
    const { store } = opened
    const lane = store.lane('a')
    for (const state of ['completed', 'failed', 'cancelled'] as const)
      for (const name of '12345') await finish(store, lane, state, [name.padEnd(1000)])
    await store.prune(Date.now())
    for await (const each of nowAndAfterCrash(opened)) {
      assert.deepEqual(await kept(each.store, 'completed'), ['3', '4', '5'])
      assert.deepEqual(await kept(each.store, 'failed'), ['5'])
      assert.deepEqual(await kept(each.store, 'cancelled'), [])
    }
  })

  test('count and bytes both hold, and a large job pushes out the small ones before it', async (t) => {
    const { store } = await open(t, { keep: { failed: { count: 4, bytes: 10_000 } } })
    const lane = store.lane('a')
    await finish(store, lane, 'failed', ['1', '2', '3', '4', '5', '6'])
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'failed'), ['3', '4', '5', '6'])
    await finish(store, lane, 'failed', ['7'.padEnd(9900), '8'])
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'failed'), ['7', '8'])
    await finish(store, lane, 'failed', ['9'.padEnd(20_000)])
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'failed'), [])
  })

  test('small jobs that completed together are cut in the middle, no further than needed', async (t) => {
    const bytes = 20_000
    const { store } = await open(t, { keep: { completed: { bytes } } })
    const lane = store.lane('a')
    const texts = Array.from({ length: 500 }, (_, index) => `${index}`.padEnd(50 + (index % 50)))
    await finish(store, lane, 'completed', texts)
    await store.prune(Date.now())
    const left = await kept(store, 'completed')
    assert.deepEqual(
      left,
      texts.slice(-left.length).map((text) => text.trim()),
    )
    // Output and input, and less than 50 bytes beside them.
    const sizes = texts.map((text) => 2 * text.length)
    const sum = (many: number, each: number) => sizes.slice(-many).reduce((all, size) => all + size + each, 0)
    assert.ok(sum(left.length, 0) <= bytes && sum(left.length + 1, 50) > bytes, `${left.length} are left`)
    assert.equal(store.counts().completed, left.length)
  })

  test('where much is kept, the store prunes by itself before there is a tenth more', async (t) => {
    const bytes = 2 * 1024 * 1024
    const { store } = await open(t, { keep: { completed: { bytes } } })
    const lane = store.lane('a')
    for (let round = 0; round < 30; round++)
      await finish(store, lane, 'completed', new Array(10).fill('x'.repeat(20_000)))
    // Comes after what the store prunes by itself.
    await store.clean('cancelled', 0, 1)
    const stored = store.counts().completed * 20_000
    assert.ok(stored > 0.9 * bytes && stored <= 1.1 * bytes, `${stored} bytes are kept`)
    await store.prune(Date.now())
    assert.ok(store.counts().completed * 20_000 <= bytes)
  })

  test('cleaning, reviving and removing make room among the bytes that are kept', async (t) => {
    const { store } = await open(t, { keep: { failed: { bytes: 3500 }, completed: { bytes: 3500 } } })
    const lane = store.lane('a')
    await finish(store, lane, 'failed', ['1', '2', '3'].map(thousand))
    const [one, two] = await store.list({ states: ['failed'], limit: 2 })
    assert.ok(one && two)
    await revive(store, one.place, 1)
    await remove(store, two.place)
    await cancel(store, one.place)
    await finish(store, lane, 'failed', ['4', '5'].map(thousand))
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'failed'), ['3', '4', '5'])
    await finish(store, lane, 'completed', ['a', 'b', 'c'].map(thousand))
    await store.clean('completed', Date.now() + 1, 2)
    await finish(store, lane, 'completed', ['d', 'e'].map(thousand))
    await store.prune(Date.now())
    assert.deepEqual(await kept(store, 'completed'), ['c', 'd', 'e'])
  })

  test('the bytes of the backlog are those of the jobs that wait or are delayed, whatever becomes of them', async (t) => {
    const opened = await open(t, { attempts: 2 })
    let { store } = opened
    const lane = store.lane('a')
    assert.equal(store.backlogBytes(), 0)
    const small = Array.from({ length: 20 }, (_, index) => newJob(lane, `small ${index}`))
    const before = [
      ...small,
      newJob(lane, thousand('large')),
      newJob(lane, 'meta', { meta: Buffer.alloc(99) }),
    ]
    await store.add(before)
    await store.addOne(newJob(lane, 'one')).written
    assert.equal(
      store.backlogBytes(),
      [...before, newJob(lane, 'one')].reduce((sum, job) => sum + store.bytesOf(job), 0),
    )
    await store.add([newJob(lane, 'late', { runAt: LATER }), newJob(lane, 'soon', { runAt: Date.now() + 1 })])
    await store.add([newJob(lane, 'named', { key: 'k' })])
    await assertExact(store)
    const jobs = await claimNext(store, 12)
    await assertExact(store)
    const [completed, failed, cancelled, released, alone, again, delayed] = jobs
    assert.ok(completed && failed && cancelled && released && alone && again && delayed)
    await store.settle([
      { outcome: 'completed', job: completed, output: Buffer.from('done'), startedAt: 1 },
      { outcome: 'failed', job: failed, head: { attempt: 1, failures: [FAILURE] } },
      { outcome: 'cancelled', job: cancelled, head: {} },
      { outcome: 'released', job: released },
      { outcome: 'released', job: alone, alone: true },
      { outcome: 'retry', job: again, head: { attempt: 1, failures: [FAILURE] } },
      { outcome: 'retry', job: delayed, head: { attempt: 1, failures: [FAILURE], runAt: LATER } },
    ])
    await assertExact(store)
    // The others are recovered.
    store = (await opened.crash()).store
    await assertExact(store)
    assert.equal(await store.promote(Date.now() + 10), 1)
    await assertExact(store)
    await cancel(store, again.place)
    await revive(store, failed.place, 1)
    await remove(store, released.place)
    await store.changeAll({ states: ['delayed'] }, { verb: 'cancel' })
    await assertExact(store)
    await store.changeAll({ states: ['waiting', 'cancelled'] }, { verb: 'remove' })
    assert.deepEqual([store.backlogBytes(), store.counts().waiting], [0, 0])
  })
}

/** All that waits or is delayed takes what it would take if it came now. */
async function assertExact(store: Store): Promise<void> {
  const jobs = await store.list({ states: ['waiting', 'delayed'], limit: 1000 })
  const bytes = jobs.map(({ place, head, body }) => store.bytesOf({ ...place, head, input: body }))
  assert.equal(
    store.backlogBytes(),
    bytes.reduce((a, b) => a + b, 0),
  )
}

function thousand(text: string): string {
  return text.padEnd(1000)
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
  return (await store.list({ states: [state], limit: 2000 })).map((job) => textOf(job).trim())
}
