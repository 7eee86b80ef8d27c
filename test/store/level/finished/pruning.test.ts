/** Pruning reads the retention index ahead: cheaply, and without missing what changes meanwhile. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { Place } from '../../../../src/job/job.js'
import { Batch } from '../../../../src/store/level/group-commit.js'
import type { Store } from '../../../../src/store/store.js'
import {
  claimNext,
  newJob,
  type OpenedStore,
  openLevelStore,
  remove,
  revive,
  textOf,
} from '../../../support/store.js'

const HOUR_MS = 3_600_000

test('pruning reads the index once for 64 of its entries', async (t) => {
  const { reopen } = await withFailed(t, 1000)
  const { store } = await reopen(keeping(40))
  const reads = countIndexReads(t)
  await store.prune(Date.now())
  assert.equal(store.counts().failed, 40)
  // 960 entries are 15 times 64.
  assert.ok(reads() >= 15 && reads() <= 17, `${reads()} reads`)
})

test('pruning one job after each outcome reads the index once for 64 of them', async (t) => {
  const { reopen } = await withFailed(t, 100)
  const { store } = await reopen(keeping(100))
  const reads = countIndexReads(t)
  for (let job = 0; job < 192; job++) {
    await fail(store, `more ${job}`)
    await store.prune(Date.now())
    assert.equal(store.counts().failed, 100)
  }
  // One more, since the first entry that this process writes may be before others.
  assert.ok(reads() >= 3 && reads() <= 4, `${reads()} reads`)
})

test('pruning by age reads the index no more often than it has something to delete', async (t) => {
  const { store } = await withFailed(t, 10, { keep: { failed: { age: HOUR_MS } } })
  const reads = countIndexReads(t)
  for (let round = 0; round < 10; round++) await store.prune(Date.now())
  assert.equal(reads(), 1)
  assert.equal(store.counts().failed, 10)
})

test('jobs that finish with the clock set back while entries are read ahead are pruned first', async (t) => {
  const { reopen } = await withFailed(t, 20)
  const opened = await reopen(keeping(15))
  const { store } = opened
  await store.prune(Date.now())
  await fail(store, 'now')
  await store.prune(Date.now())
  assert.deepEqual(await kept(store), [...range(6, 20), 'now'])
  for (const earlier of [2, 1]) {
    const clock = t.mock.method(Date, 'now', () => realNow() - earlier * HOUR_MS)
    await fail(store, `${earlier} h earlier`)
    clock.mock.restore()
    await store.prune(Date.now())
    assert.deepEqual(await kept(store), [...range(6, 20), 'now'])
  }
  await fail(store, 'later')
  await store.prune(Date.now())
  assert.deepEqual(await kept(store), [...range(7, 20), 'now', 'later'])
  assert.deepEqual(await kept((await opened.reopen()).store), [...range(7, 20), 'now', 'later'])
})

test('a job that finishes with the clock set back is not forgotten if pruning reads before it is written', async (t) => {
  const { reopen } = await withFailed(t, 20)
  const { store } = await reopen(keeping(15))
  await fail(store, 'now')
  await forgetRead(store)
  const failEarly = await startEarly(t, store)
  const write = holdWrite(t)
  const failed = failEarly()
  await write.isHeld
  const read = holdIndexRead(t)
  const pruned = store.prune(realNow())
  await read.isHeld
  read.letGo()
  await read.isDone
  write.letGo()
  await Promise.all([failed, pruned])
  await store.prune(realNow())
  await fail(store, 'later')
  await store.prune(realNow())
  assert.deepEqual(await kept(store), [...range(7, 20), 'now', 'later'])
})

test('a job that finishes with the clock set back is not forgotten if it is written while pruning reads', async (t) => {
  const { reopen } = await withFailed(t, 20)
  const { store } = await reopen(keeping(15))
  await fail(store, 'now')
  await forgetRead(store)
  const read = holdIndexRead(t)
  // One more than is kept: the store prunes by itself.
  await fail(store, 'more')
  await read.isHeld
  await (await startEarly(t, store))()
  read.letGo()
  await store.prune(realNow())
  for (const text of ['later', 'last']) {
    await fail(store, text)
    await store.prune(realNow())
  }
  assert.deepEqual(await kept(store), [...range(9, 20), 'now', 'more', 'later', 'last'])
})

for (const [verb, change] of Object.entries({
  removed: (store: Store, place: Place) => remove(store, place),
  revived: (store: Store, place: Place) => revive(store, place, 1),
  cleaned: async (store: Store) => (await store.clean('failed', Date.now() + 1, 1)) === 1,
}))
  test(`a job that is ${verb} after its entry was read ahead is not pruned a second time`, async (t) => {
    const { reopen } = await withFailed(t, 10)
    const opened = await reopen(keeping(8))
    const { store } = opened
    await fail(store, 'w')
    await store.prune(Date.now())
    const [first] = await store.list({ states: ['failed'], limit: 1 })
    assert.ok(first)
    assert.equal(await change(store, first.place), true)
    assert.deepEqual([store.counts().failed, await kept(store)], [7, [...range(4, 10), 'w']])
    // A job that was revived runs, and fails again.
    await fail(store, 'x')
    await store.prune(Date.now())
    await fail(store, 'y')
    await store.prune(Date.now())
    const rest = [...range(6, 10), 'w', 'x', 'y']
    const left = [verb === 'revived' ? '3' : '5', ...rest]
    assert.deepEqual([store.counts().failed, await kept(store)], [8, left])
    const again = (await opened.reopen()).store
    assert.deepEqual([again.counts().failed, await kept(again)], [8, left])
  })

test('an entry that is cut in part keeps the rest for the next pruning', async (t) => {
  const { store, reopen } = await openLevelStore(t)
  for (let entry = 0; entry < 3; entry++) await fail(store, ...range(4 * entry, 4 * entry + 4))
  const opened = await reopen(keeping(9))
  const cut = opened.store
  await cut.prune(Date.now())
  assert.deepEqual(await kept(cut), range(3, 12))
  for (const [index, text] of ['x', 'y', 'z'].entries()) {
    await fail(cut, text)
    await cut.prune(Date.now())
    assert.equal(cut.counts().failed, 9)
    assert.equal((await kept(cut))[0], `${4 + index}`)
  }
  assert.deepEqual(await kept((await opened.reopen()).store), [...range(6, 12), 'x', 'y', 'z'])
})

const realNow = Date.now

/** A store in which so many jobs have failed, one after the other: each has an entry of the index. */
async function withFailed(
  t: TestContext,
  count: number,
  options?: Parameters<typeof openLevelStore>[1],
): Promise<OpenedStore> {
  const opened = await openLevelStore(t, options)
  for (const text of range(0, count)) await fail(opened.store, text)
  return opened
}

function keeping(count: number) {
  return { keep: { failed: { count } } }
}

/** Adds jobs, and lets all that wait fail in one group. */
async function fail(store: Store, ...texts: string[]): Promise<void> {
  await store.add(texts.map((text) => newJob(store.lane('a'), text)))
  const jobs = await claimNext(store)
  await store.settle(jobs.map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
}

async function kept(store: Store): Promise<string[]> {
  return (await store.list({ states: ['failed'], limit: 2000 })).map(textOf)
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `${from + index}`)
}

/** How often the retention index was read since the call. */
function countIndexReads(t: TestContext): () => number {
  const { mock } = t.mock.method(Level.prototype, 'iterator')
  return () => mock.calls.filter((call) => isOfIndex(call.arguments[0])).length
}

function isOfIndex(options: unknown): boolean {
  const { gte } = options as { gte?: Buffer }
  return gte?.[0] === 'e'.charCodeAt(0)
}

/** A running job. The call lets it fail with the clock set back. */
async function startEarly(t: TestContext, store: Store): Promise<() => Promise<unknown>> {
  await store.add([newJob(store.lane('a'), 'early')])
  const jobs = await claimNext(store)
  return () => {
    const clock = t.mock.method(Date, 'now', () => realNow() - HOUR_MS)
    return store
      .settle(jobs.map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
      .finally(() => clock.mock.restore())
  }
}

/** Cleans nothing: then nothing is read ahead. */
async function forgetRead(store: Store): Promise<void> {
  assert.equal(await store.clean('failed', 0, 1), 0)
}

/** Holds the next group back from the disk. `isHeld`: it is sealed. */
function holdWrite(t: TestContext) {
  const gate = newGate()
  const { write } = Batch.prototype
  const { mock } = t.mock.method(Batch.prototype, 'write', async function (this: Batch, sync: boolean) {
    mock.restore()
    gate.hold()
    await gate.isOpen
    await Reflect.apply(write, this, [sync])
  })
  return gate
}

/** Holds the end of the next read of the retention index: what it sees was written before `isHeld`. */
function holdIndexRead(t: TestContext) {
  const gate = newGate()
  const { iterator } = Level.prototype
  const { mock } = t.mock.method(Level.prototype, 'iterator', function (this: Level, options: object) {
    const read = Reflect.apply(iterator, this, [options])
    if (!isOfIndex(options)) return read
    mock.restore()
    const close = read.close.bind(read)
    read.close = async () => {
      gate.hold()
      await gate.isOpen
      await close()
      gate.end()
    }
    return read
  })
  return gate
}

function newGate() {
  let [hold, letGo, end] = [() => {}, () => {}, () => {}]
  const isHeld = new Promise<void>((resolve) => {
    hold = resolve
  })
  const isOpen = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const isDone = new Promise<void>((resolve) => {
    end = resolve
  })
  return { isHeld, isOpen, isDone, hold, letGo, end }
}
