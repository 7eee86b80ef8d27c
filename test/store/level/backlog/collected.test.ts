/** A chunk's object that the garbage collector takes while the disk is being read: what had left the chunk stays gone. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { Place } from '../../../../src/job/job.js'
import { WaitingJobs } from '../../../../src/store/level/backlog/waiting-jobs.js'
import type { Chunk } from '../../../../src/store/level/format/chunk.js'
import { decodeLeft, isSet } from '../../../../src/store/level/format/chunk-bitmap.js'
import { chunkKey, LEFT } from '../../../../src/store/level/format/keys.js'
import { Batch, type Database, type Snapshot } from '../../../../src/store/level/group-commit.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { collectAll } from '../../../support/memory.js'

const COUNT = 5
const PLACES: readonly Place[] = Array.from({ length: COUNT }, (_, index) => ({
  lane: 1,
  priority: 0,
  seq: 10 + index,
}))
const [FIRST, SECOND, THIRD, FOURTH] = PLACES as [Place, Place, Place, Place]

/** One chunk on disk, of which nothing is in memory but what is asked for. */
class Disk {
  readonly db: Database
  readonly waiting: WaitingJobs

  constructor(db: Database) {
    this.db = db
    this.waiting = new WaitingJobs(db)
  }

  static async open(t: TestContext): Promise<Disk> {
    const db: Database = new Level(await temporaryDirectory(t), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    })
    await db.open()
    t.after(() => db.close())
    const disk = new Disk(db)
    const batch = new Batch(db)
    for (const place of PLACES) disk.waiting.add(batch, place, 1, undefined, Buffer.from('input'))
    disk.waiting.seal(batch)
    await batch.write(false)
    return disk
  }

  /** Begins a group in which a job leaves. Returns how to write it; after that nothing of it is in memory. */
  async leaving(place: Place): Promise<() => Promise<void>> {
    const batch = new Batch(this.db)
    const entries = await this.waiting.holding(() => this.waiting.get([place]))
    for (const entry of entries) if (entry) this.waiting.delete(batch, entry)
    return async () => {
      const after = this.waiting.seal(batch)
      await batch.write(false)
      after?.()
    }
  }

  async leave(place: Place): Promise<void> {
    const write = await this.leaving(place)
    await write()
  }

  /** Reads a job as of the snapshot. Returns what keeps its chunk in memory. */
  async look(place: Place, snapshot: Snapshot): Promise<Chunk> {
    const [entry] = await this.waiting.get([place], snapshot)
    return entry?.chunk ?? assert.fail('not found')
  }

  /** Which jobs have left, by what is on disk. */
  async left(): Promise<number[]> {
    const value = await this.db.get(chunkKey(LEFT, FIRST))
    const bits = value && decodeLeft(FIRST, value)
    return PLACES.map((_, index) => index).filter((index) => bits && isSet(bits, index))
  }
}

test('a job that left just before a read began, and was written after, stays gone when others leave', async (t) => {
  const disk = await Disk.open(t)
  const write = await disk.leaving(FIRST)
  await disk.waiting.holding(async () => {
    const snapshot = disk.db.snapshot()
    await write()
    await collectAll()
    assert.ok((await disk.look(SECOND, snapshot)).left === COUNT - 1)
    await snapshot.close()
  })
  await disk.leave(SECOND)
  assert.deepEqual(await disk.left(), [0, 1])
})

test('a job that left while a read was going on stays gone when others leave', async (t) => {
  const disk = await Disk.open(t)
  await disk.waiting.holding(async () => {
    const snapshot = disk.db.snapshot()
    await disk.leave(FIRST)
    await disk.leave(THIRD)
    await collectAll()
    assert.ok((await disk.look(SECOND, snapshot)).left === COUNT - 2)
    await snapshot.close()
  })
  await disk.leave(FOURTH)
  assert.deepEqual(await disk.left(), [0, 2, 3])
})

test('what somebody who only looked has read of the past does not bring back who has left', async (t) => {
  const disk = await Disk.open(t)
  const snapshot = disk.db.snapshot()
  await disk.leave(FIRST)
  await collectAll()
  const old = await disk.look(SECOND, snapshot)
  assert.equal(old.left, COUNT, 'it is read anew, as it was')
  await disk.leave(SECOND)
  assert.deepEqual(await disk.left(), [0, 1])
  assert.equal(old.left, COUNT - 2)
  await snapshot.close()
})

test('the last one to leave takes along what was written of the others, however late it is read', async (t) => {
  const disk = await Disk.open(t)
  const snapshot = disk.db.snapshot()
  await disk.leave(FIRST)
  await collectAll()
  const old = await disk.look(SECOND, snapshot)
  await disk.leave(SECOND)
  for (const place of PLACES.slice(2)) await disk.leave(place)
  assert.equal(old.left, 0)
  assert.deepEqual(await disk.db.keys().all(), [])
  await snapshot.close()
})

test('the jobs that are left in a chunk that is read count for the bytes of all of it', async (t) => {
  const disk = await Disk.open(t)
  for (const place of PLACES.slice(0, 3)) await disk.leave(place)
  await collectAll()
  const left = await disk.waiting.get(PLACES.slice(3))
  const counted = left.reduce((sum, entry) => sum + (entry?.bytes ?? 0), 0)
  const size = left[0]?.chunk?.size ?? assert.fail('it is in no chunk')
  const overhead = 200 * left.length
  assert.ok(counted >= overhead + size, `${counted} bytes of ${size}`)
})
