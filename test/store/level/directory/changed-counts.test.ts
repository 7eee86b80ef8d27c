/** A byte has changed in what the directory knows of its lanes: counts, names, the last number. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../../../src/index.js'
import { openDatabase } from '../../../../src/store/level/directory/directory.js'
import { checked, checkedValue, isChecked } from '../../../../src/store/level/format/checked.js'
import { BYTES_KEY, countsKey, LAST_KEY, laneKey } from '../../../../src/store/level/format/keys.js'
import { LevelStore } from '../../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { inspect } from '../../../support/inspect.js'
import { levelOptions, newJob } from '../../../support/store.js'

/** The directory of a store with three waiting jobs, in which each byte of an entry in turn was changed by `visit`. */
async function withChanges(t: TestContext, key: Buffer, visit: (directory: string) => Promise<void>) {
  const directory = await temporaryDirectory(t)
  const { store } = await LevelStore.open(directory, levelOptions({}))
  await store.add(['1', '2', '3'].map((text) => newJob(store.lane('a'), text)))
  await store.close()
  const change = async (make: (stored: Buffer) => void) => {
    const db = await openDatabase(directory)
    const stored = await db.get(key)
    assert.ok(stored)
    make(stored)
    await db.put(key, stored)
    await db.close()
  }
  const length = 4 + (key.equals(LAST_KEY) ? 6 : key.equals(laneKey(0)) ? 1 : 30)
  for (let at = 0; at < length; at += length > 10 ? 5 : 1) {
    const flip = (stored: Buffer) => {
      assert.equal(stored.length, length)
      stored[at] = (stored[at] ?? 0) ^ 1
    }
    await change(flip)
    await visit(directory)
    await change(flip)
  }
  return directory
}

for (const [what, key] of [
  ['the counts of a lane', countsKey(0)],
  ['the name of a lane', laneKey(0)],
  ['the bytes of jobs', BYTES_KEY],
  ['the last number', LAST_KEY],
] as const) {
  test(`a directory in which ${what} has a changed byte is not opened`, async (t) => {
    await withChanges(t, key, async (directory) => {
      await assert.rejects(LevelStore.open(directory, levelOptions({})), {
        code: 'MILLRACE_CORRUPT',
        message: new RegExp(`the entry ${key.toString('hex')} has changed.*repair`),
      })
    })
  })
}

test('a repair counts anew, goes on behind the last number, and gives a lane whose name is lost another one', async (t) => {
  const directory = await temporaryDirectory(t)
  const { store } = await LevelStore.open(directory, levelOptions({}))
  const places = await store.add(['1', '2', '3'].map((text) => newJob(store.lane('a'), text)))
  await store.close()
  const db = await openDatabase(directory)
  for (const key of [countsKey(0), BYTES_KEY, laneKey(0), LAST_KEY]) await db.put(key, Buffer.from('changed'))
  await db.close()
  const { jobs, dropped } = await JobQueue.repair(directory)
  // The name. Counts and the last number are derived from jobs.
  assert.deepEqual([jobs.waiting, dropped], [3, 1])
  const { store: repaired } = await LevelStore.open(directory, levelOptions({}))
  assert.deepEqual([repaired.tasks(), repaired.counts().waiting], [['lost-0'], 3])
  const [next] = await repaired.add([newJob(0, '4')])
  assert.ok((next?.seq ?? 0) > Math.max(...places.map(({ seq }) => seq)))
  await repaired.close()
  assert.deepEqual((await inspect(directory)).problems, [])
})

test('a value is checked against its key and each of its bytes', async () => {
  const value = Buffer.from('value')
  const stored = checked(laneKey(1), value)
  assert.deepEqual(checkedValue(laneKey(1), stored), value)
  assert.ok(!isChecked(laneKey(2), stored))
  assert.ok(!isChecked(laneKey(1), stored.subarray(0, -1)))
  assert.ok(!isChecked(laneKey(1), stored.subarray(0, 3)))
  assert.throws(() => checkedValue(laneKey(2), stored), { code: 'MILLRACE_DAMAGED' })
  assert.deepEqual(checkedValue(laneKey(1), checked(laneKey(1), Buffer.alloc(0))), Buffer.alloc(0))
})
