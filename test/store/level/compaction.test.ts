/** The space of what was deleted is given back. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Level } from 'level'
import { Compaction } from '../../../src/store/level/compaction.js'
import { Counters } from '../../../src/store/level/counters.js'
import { openDatabase } from '../../../src/store/level/directory/directory.js'
import { jobKey } from '../../../src/store/level/format/keys.js'
import { type Database, GroupCommit } from '../../../src/store/level/group-commit.js'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { levelOptions, newJob } from '../../support/store.js'

const JOBS = 60
const INPUT_BYTES = 1_000_000
const MOST_BYTES = 5_000_000
const DEADLINE_MS = 20_000

async function open(t: TestContext, directory: string): Promise<LevelStore> {
  const options = levelOptions({ keep: { completed: { count: 0 } }, keptInputBytes: -1 })
  const { store } = await LevelStore.open(directory, options)
  t.after(() => store.close())
  return store
}

/** Adds jobs with large inputs, and completes all but so many. Completed jobs are not kept. */
async function pileUpAndRun(store: LevelStore, left = 0, count = JOBS): Promise<void> {
  const lane = store.lane('a')
  for (let job = 0; job < count; job++)
    await store.add([{ lane, priority: 0, head: undefined, input: randomBytes(INPUT_BYTES) }])
  for (let todo = count - left; todo > 0; ) {
    let taken = 0
    const claim = store.claim(() => (taken++ < todo ? 'take' : 'stop'))
    await (claim?.written ?? setImmediate())
    const jobs = claim?.jobs ?? []
    todo -= jobs.length
    const output = Buffer.from('output')
    await store.settle(jobs.map((job) => ({ outcome: 'completed', job, output, startedAt: 1 })))
  }
  await store.prune(Date.now())
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0
  // LevelDB may delete it meanwhile.
  for (const name of await readdir(directory))
    bytes += await stat(join(directory, name)).then(
      ({ size }) => size,
      () => 0,
    )
  return bytes
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + DEADLINE_MS; !(await condition()); ) {
    assert.ok(Date.now() < end, 'the space was not given back')
    await setTimeout(50)
  }
}

test('a directory from which all jobs are gone becomes small', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await open(t, directory)
  await pileUpAndRun(store)
  assert.ok((await sizeOf(directory)) > (JOBS * INPUT_BYTES) / 2)
  await until(async () => (await sizeOf(directory)) < MOST_BYTES)
})

test('a directory that was closed before its space was given back becomes small when it is opened', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await open(t, directory)
  await pileUpAndRun(store)
  await store.close()
  assert.ok((await sizeOf(directory)) > (JOBS * INPUT_BYTES) / 2)
  await open(t, directory)
  await until(async () => (await sizeOf(directory)) < MOST_BYTES)
})

test('the space of what several processes have deleted is given back, though each has deleted little', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 0; round < 3; round++) {
    const store = await open(t, directory)
    // Something always waits.
    await pileUpAndRun(store, round === 0 ? 1 : 0, 7)
    await store.close()
  }
  assert.ok((await sizeOf(directory)) > 18 * INPUT_BYTES)
  const store = await open(t, directory)
  await until(async () => (await sizeOf(directory)) < MOST_BYTES)
  assert.equal(store.counts().waiting, 1)
})

test('a store that is closed while it gives space back has what was left in it', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await open(t, directory)
  await pileUpAndRun(store, 2)
  const before = await store.list({ states: ['waiting'], limit: 10 })
  const full = await sizeOf(directory)
  await until(async () => (await sizeOf(directory)) < full - INPUT_BYTES)
  await store.close()
  const again = await open(t, directory)
  assert.equal(before.length, 2)
  assert.deepEqual(again.counts(), { ...store.counts(), waiting: 2 })
  assert.deepEqual(await again.list({ states: ['waiting'], limit: 10 }), before)
})

test('the markers of what several processes have deleted go after the next opening: no read walks over them', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 0; round < 3; round++) {
    const { store } = await LevelStore.open(directory, levelOptions({}))
    const lane = store.lane('a')
    await store.add(Array.from({ length: 1900 }, () => newJob(lane, 'x', { runAt: Date.now() + 1e9 })))
    await store.changeAll({ states: ['delayed'], lane }, { verb: 'remove' })
    await store.close()
  }
  const compacted = t.mock.method(Level.prototype as Level & Compactable, 'compactRange')
  const kinds = () =>
    new Set(compacted.mock.calls.map(({ arguments: [start] }) => String.fromCharCode(start[0] ?? 0)))
  const store = await open(t, directory)
  await until(async () => kinds().has('d') && kinds().has('t'))
  await store.close()
  const db = (await openDatabase(directory)) as Database & Compactable
  t.after(() => db.close())
  for (const [start, end] of [
    ['d', 'e'],
    ['t', 'u'],
  ] as const)
    assert.equal(await db.approximateSize(Buffer.from(start), Buffer.from(end)), 0)
})

interface Compactable {
  approximateSize(start: Buffer, end: Buffer): Promise<number>
  compactRange(start: Buffer, end: Buffer): Promise<void>
}

/** The database of a new directory with nothing in it but so many markers of deleted jobs, and the bytes that they take. */
async function withDeleted(t: TestContext, entries: number) {
  const directory = await temporaryDirectory(t)
  const db = await openDatabase(directory)
  t.after(() => db.close())
  const commits = new GroupCommit(db, {
    fsync: false,
    seal: () => undefined,
    assertThere: () => undefined,
    onBroken: assert.ifError,
  })
  await commits.append((batch) => {
    for (let seq = 0; seq < entries; seq++) batch.del(jobKey('failed', { lane: 0, priority: 0, seq }))
  })
  const compactable = db as Database & Compactable
  // Writes what is in memory to a table.
  await compactable.compactRange(Buffer.from('y'), Buffer.from('z'))
  const bytes = () => compactable.approximateSize(Buffer.from('f'), Buffer.from('g'))
  const counters = await Counters.read(db)
  const compaction = new Compaction({ db, commits, counters }, assert.ifError)
  return { compaction, commits, counters, compactable, bytes }
}

test('many deleted entries are compacted, however small they are', async (t) => {
  const { compaction, counters, bytes } = await withDeleted(t, 5000)
  counters.add(0, 'failed', 10, 1000)
  assert.ok((await bytes()) > 0)
  compaction.soon()
  await until(async () => (await bytes()) === 0)
  await compaction.stop()
})

test('compaction stops when something is written, and goes on when it is quiet again', async (t) => {
  const { compaction, commits, compactable, bytes } = await withDeleted(t, 5000)
  const { compactRange } = compactable
  let flushes = 0
  const slices: number[] = []
  t.mock.method(compactable, 'compactRange', async (start: Buffer, end: Buffer) => {
    await Reflect.apply(compactRange, compactable, [start, end])
    if (!start.equals(end)) slices.push(flushes)
    // It has begun. The queue writes before the first slice.
    else if (++flushes === 1) await commits.append((batch) => batch.put(Buffer.from('y'), Buffer.from('y')))
  })
  compaction.soon()
  await until(async () => (await bytes()) === 0)
  await compaction.stop()
  assert.deepEqual([flushes, slices], [2, [2]])
})
