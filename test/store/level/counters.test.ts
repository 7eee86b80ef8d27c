import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type CountedState, Counters } from '../../../src/store/level/counters.js'
import { openDirectory } from '../../../src/store/level/directory/directory.js'
import { rangeOf } from '../../../src/store/level/format/keys.js'
import { Batch } from '../../../src/store/level/group-commit.js'
import { temporaryDirectory } from '../../support/directory.js'

const STATES = ['waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const

test('lanes, counts, bytes and numbers are read back as they were when a group was last sealed', async (t) => {
  const db = await database(t)
  const changes = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'ü'), fc.constantFrom(...STATES), fc.nat(9), fc.boolean()),
    { maxLength: 20 },
  )
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      await db.clear()
      let counters = await Counters.read(db)
      const sums = new Map<string, number>()
      let last = 0
      for (const [task, state, count, isReopened] of all) {
        const lane = counters.lane(task)
        counters.add(lane, state, count, 2 ** 40 * count)
        sums.set(`${lane} ${state}`, (sums.get(`${lane} ${state}`) ?? 0) + count)
        const next = counters.next()
        assert.ok(next > last)
        last = next
        if (!isReopened) continue
        await seal(counters)
        counters = await Counters.read(db)
        assert.equal(counters.lane(task), lane)
        assert.equal(counters.task(lane), task)
      }
      for (const lane of counters.tasks.map((task) => counters.lane(task)))
        for (const state of STATES)
          assert.equal(counters.counts(lane, 0)[state], sums.get(`${lane} ${state}`) ?? 0)
      for (const state of STATES) {
        assert.equal(counters.counts(undefined, 0)[state], total(sums, state))
        assert.equal(counters.bytes(state), 2 ** 40 * total(sums, state))
      }
    }),
    { numRuns: 50 },
  )

  async function seal(counters: Counters): Promise<void> {
    const batch = new Batch(db)
    counters.seal(batch, true)
    await batch.write(false)
  }
})

test('a group that changes nothing in the books costs nothing', async (t) => {
  const db = await database(t)
  const counters = await Counters.read(db)
  const sealed = async () => {
    const batch = new CountingBatch(db)
    counters.seal(batch, true)
    await batch.write(false)
    return batch.puts
  }
  assert.equal(await sealed(), 0)
  counters.add(counters.lane('a'), 'waiting', 1, 10)
  counters.next()
  // The lane's name, its counts, the bytes, the last number.
  assert.equal(await sealed(), 4)
  assert.equal(await sealed(), 0)
  counters.add(0, 'waiting', 1, 10)
  assert.equal(await sealed(), 2)
})

test('the name of a new lane is written with each group until one of them is as durable as any', async (t) => {
  const db = await database(t)
  const counters = await Counters.read(db)
  counters.lane('a')
  const puts: number[] = []
  for (const isLasting of [false, false, true, true]) {
    const batch = new CountingBatch(db)
    counters.seal(batch, isLasting)
    puts.push(batch.puts)
  }
  assert.deepEqual(puts, [1, 1, 1, 0])
})

test('a lane without jobs has no counts on disk, and is known all the same', async (t) => {
  const db = await database(t)
  const counters = await Counters.read(db)
  const lane = counters.lane('a')
  const stored: number[] = []
  for (const count of [2, -1, -1, 1]) {
    counters.add(lane, 'waiting', count, 10 * count)
    const batch = new Batch(db)
    counters.seal(batch, true)
    await batch.write(false)
    stored.push((await db.keys(rangeOf('mc')).all()).length)
    const again = await Counters.read(db)
    assert.deepEqual([again.findLane('a'), again.counts(lane, 0)], [lane, counters.counts(lane, 0)])
    assert.deepEqual([...again.busyLanes], [...counters.busyLanes])
    assert.deepEqual(again.waitingLanes, stored.at(-1) === 1 ? [lane] : [])
  }
  assert.deepEqual(stored, [1, 1, 0, 1])
})

test('running jobs are waiting ones that are told apart', async (t) => {
  const counters = await Counters.read(await database(t))
  counters.add(counters.lane('a'), 'waiting', 5, 50)
  assert.deepEqual([counters.counts(0, 2).waiting, counters.counts(0, 2).running], [3, 2])
  assert.deepEqual([counters.counts(7, 0).waiting, counters.counts(undefined, 1).waiting], [0, 4])
})

async function database(t: TestContext) {
  const { db, close } = await openDirectory(await temporaryDirectory(t))
  t.after(close)
  return db
}

function total(sums: ReadonlyMap<string, number>, state: CountedState): number {
  return [...sums].reduce((sum, [name, count]) => (name.endsWith(` ${state}`) ? sum + count : sum), 0)
}

class CountingBatch extends Batch {
  puts = 0

  override put(key: Buffer, value: Buffer): void {
    this.puts++
    super.put(key, value)
  }
}
