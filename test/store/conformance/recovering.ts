import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Head } from '../../../src/job/job.js'
import type { Claimed } from '../../../src/store/store.js'
import {
  cancel,
  claimNext,
  historyOf,
  newJob,
  type OpenedStore,
  type OpenStore,
  remove,
  revive,
  textOf,
  waitingTexts,
} from '../../support/store.js'

export function recovering(open: OpenStore): void {
  test('a job that was alone in transit is back at its old place, charged, and runs alone', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add([
      newJob(lane, 'culprit'),
      newJob(lane, 'younger'),
      newJob(lane, 'first', { priority: -1 }),
    ])
    const [first] = await claimNext(store, 1)
    assert.ok(first)
    await store.settle([{ outcome: 'completed', job: first, output: Buffer.from('out'), startedAt: 1 }])
    await claimNext(store, 1)
    const again = await opened.crash()
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 2 })
    const [culprit, younger] = await claimNext(again.store)
    assert.ok(culprit && younger)
    assert.deepEqual([textOf(culprit), culprit.attempt, culprit.alone], ['culprit', 2, true])
    const [failure] = culprit.head.failures ?? []
    assert.deepEqual([failure?.attempt, failure?.code], [1, 'MILLRACE_PROCESS_DIED'])
    assert.deepEqual([textOf(younger), younger.attempt, younger.alone], ['younger', 1, false])
  })

  test('of a job that has ended many processes few failures are kept, and their number', async (t) => {
    const opened = await open(t, { attempts: 99 })
    const failures = Array.from({ length: 10 }, (_, at) => ({ attempt: at + 1, at, name: 'E', message: '' }))
    await opened.store.add([newJob(opened.store.lane('a'), 'culprit', { attempt: 10, failures })])
    await claimNext(opened.store)
    const [culprit] = await claimNext((await opened.crash()).store)
    const { head } = culprit ?? assert.fail()
    assert.deepEqual(
      head.failures?.map(({ attempt }) => attempt),
      [1, 2, 3, 5, 6, 7, 8, 9, 10, 11],
    )
    assert.deepEqual([head.attempt, head.failureCount], [11, 11])
  })

  test('of several that were in transit together none is charged, and each runs alone', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    await opened.store.add(['1', '2', '3'].map((text) => newJob(lane, text)))
    await claimNext(opened.store)
    const { store, recovered } = await opened.crash()
    assert.deepEqual(recovered, { returned: 3, failed: 0, waiting: 3 })
    assert.deepEqual(
      (await claimNext(store)).map((job) => [textOf(job), job.attempt, job.alone, job.head.failures]),
      ['1', '2', '3'].map((text) => [text, 1, true, undefined]),
    )
  })

  test('a job that was claimed ahead of a free thread is not charged, but runs alone', async (t) => {
    const opened = await open(t)
    await opened.store.add([newJob(opened.store.lane('a'), 'ahead')])
    await opened.store.claim(
      () => 'take',
      () => true,
    )?.written
    const again = await opened.crash()
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 1 })
    assert.deepEqual(await heads(again), [['ahead', { alone: true }]])
  })
  test('the one that is left of a waybill when the others have an outcome is charged', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add(['1', '2', '3', '4', '5', '6'].map((text) => newJob(lane, text)))
    const [one, two, three, four, five] = await claimNext(store)
    assert.ok(one && two && three && four && five)
    await store.settle([
      { outcome: 'completed', job: one, output: Buffer.from('out'), startedAt: 1 },
      { outcome: 'failed', job: two, head: { attempt: 1 } },
      { outcome: 'cancelled', job: three, head: {} },
    ])
    await store.settle([{ outcome: 'retry', job: four, head: { attempt: 1 } }])
    await store.settle([{ outcome: 'released', job: five }])
    const again = await opened.crash()
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 3 })
    assert.deepEqual(await heads(again), [
      ['4', { attempt: 1 }],
      ['5', {}],
      ['6', { alone: true, attempt: 1 }],
    ])
  })

  test('a job that left its waybill and waits again is not taken for one in transit', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add(['back', 'out'].map((text) => newJob(lane, text)))
    const [back] = await claimNext(store)
    assert.ok(back)
    // Cancelling charges no attempt, so its history says nothing of its having been out.
    await store.settle([{ outcome: 'cancelled', job: back, head: back.head }])
    await revive(store, back.place, 3)
    const again = await opened.crash()
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 2 })
    assert.deepEqual(await heads(again), [
      ['back', { granted: 3 }],
      ['out', { alone: true, attempt: 1 }],
    ])
  })

  test('a job that was claimed again is charged for its last waybill only', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add(['1', '2', '3'].map((text) => newJob(lane, text)))
    const [one, two] = await claimNext(store)
    assert.ok(one && two)
    await store.settle([
      { outcome: 'released', job: one },
      { outcome: 'retry', job: two, head: { attempt: 1 } },
    ])
    assert.deepEqual((await claimNext(store, 1)).map(textOf), ['1'])
    assert.deepEqual((await claimNext(store, 1)).map(textOf), ['2'])
    const again = await opened.crash()
    assert.deepEqual(again.recovered, { returned: 3, failed: 0, waiting: 3 })
    assert.deepEqual(await heads(again), [
      ['1', { alone: true, attempt: 1 }],
      ['2', { alone: true, attempt: 2 }],
      ['3', { alone: true, attempt: 1 }],
    ])
  })

  test('a job whose lost attempt was its last has failed, with the reason', async (t) => {
    const opened = await open(t, { attempts: 2 })
    const { store } = opened
    const lane = store.lane('a')
    const [own, usual, granted] = await store.add([
      newJob(lane, 'one attempt', { attempts: 1 }),
      newJob(lane, 'two attempts'),
      newJob(lane, 'one and one granted', { attempts: 1, granted: 1 }),
    ])
    assert.ok(own && usual && granted)
    for (let job = 0; job < 3; job++) await claimNext(store, 1)
    const once = await opened.crash()
    assert.deepEqual(once.recovered, { returned: 2, failed: 1, waiting: 2 })
    const failed = await once.store.get(own)
    assert.ok(failed)
    assert.deepEqual(
      [failed.state, failed.head.attempt, failed.head.failures?.[0]?.code, textOf(failed)],
      ['failed', 1, 'MILLRACE_PROCESS_DIED', 'one attempt'],
    )
    for (let job = 0; job < 2; job++) await claimNext(once.store, 1)
    const twice = await once.crash()
    assert.deepEqual(twice.recovered, { returned: 0, failed: 2, waiting: 0 })
    assert.deepEqual([twice.store.counts().failed, twice.store.counts().waiting], [3, 0])
    assert.deepEqual((await twice.store.get(usual))?.head.failures?.length, 2)
    // Its place in the retention is that of any failed job.
    assert.equal(await twice.store.clean('failed', Date.now() + 1, 10), 3)
  })

  test('closing with jobs in transit leaves them for the next open to recover', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    await opened.store.add(['1', '2'].map((text) => newJob(lane, text)))
    await claimNext(opened.store, 1)
    const again = await opened.reopen()
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 2 })
    assert.deepEqual(again.store.counts().running, 0)
    assert.deepEqual(await waitingTexts(again.store), ['1', '2'])
  })

  test('what was recovered is not recovered again', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    await opened.store.add(['1', '2', '3'].map((text) => newJob(lane, text)))
    await claimNext(opened.store, 2)
    await claimNext(opened.store, 1)
    const again = await (await opened.crash()).crash()
    assert.deepEqual(again.recovered, { returned: 0, failed: 0, waiting: 3 })
    assert.deepEqual(await heads(again), [
      ['1', { alone: true }],
      ['2', { alone: true }],
      ['3', { alone: true, attempt: 1 }],
    ])
  })

  test('close completes an add with a key, which looks before it writes', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const added = opened.store.add([newJob(lane, 'x', { key: 'k' })])
    const { store } = await opened.reopen()
    const [place] = await added
    assert.deepEqual(await store.add([newJob(lane, 'y', { key: 'k' })]), [{ ...place, existed: true }])
    assert.deepEqual(await waitingTexts(store), ['x'])
  })

  test('close completes many adds with keys that are being looked up', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const adding = Array.from({ length: 20_000 }, (_, index) =>
      opened.store.add([newJob(lane, `${index}`, { key: `key ${index}` })]),
    )
    const { store } = await opened.reopen()
    await Promise.all(adding)
    assert.equal(store.counts().waiting, 20_000)
  })
  test('close completes what was begun', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    const places = await store.add(['1', '2', '3', '4'].map((text) => newJob(lane, text)))
    const [one, two, three] = places
    assert.ok(one && two && three)
    const claimed: Claimed[] = [...(await claimNext(store, 1))]
    const begun = Promise.all([
      store.add([newJob(lane, '5')]),
      store.add([newJob(lane, '6', { key: 'k' })]),
      store.add([newJob(lane, '7', { key: 'l' })]),
      store.settle(claimed.map((job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 }))),
      cancel(store, two),
      remove(store, three),
      store.clean('completed', 1, 1),
      store.prune(1),
      store.get(two),
      store.list({ limit: 1 }),
    ])
    const again = await opened.reopen()
    await begun
    assert.deepEqual(await waitingTexts(again.store), ['4', '5', '6', '7'])
    const { completed, cancelled, waiting } = again.store.counts()
    assert.deepEqual([completed, cancelled, waiting], [1, 1, 4])
  })
}

/** What is left of each waiting job's history, but for the failures, which name times. */
async function heads({ store }: OpenedStore): Promise<[string, Head][]> {
  const jobs = await store.list({ states: ['waiting'], limit: 100 })
  return jobs.map((job) => {
    const { failures = [], ...head } = historyOf(job)
    const lost = failures.filter(({ code }) => code === 'MILLRACE_PROCESS_DIED')
    if (head.alone && head.attempt !== undefined) assert.equal(lost.length, 1)
    return [textOf(job), head]
  })
}
