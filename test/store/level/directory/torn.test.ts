/** What opening makes of a log whose end a power cut has torn, and of one whose bytes have changed. */
import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { rangeOf } from '../../../../src/store/level/format/keys.js'
import { allJobs } from '../../../support/all-jobs.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { inspect } from '../../../support/inspect.js'
import { type LogGroup, readLog, writeLog } from '../../../support/level-log.js'
import { openQueue } from '../../../support/queue.js'

/**
 * The directory of a queue whose process has ended, with the bytes and groups of its log: several acknowledged jobs, and
 * outcomes of which the last ones are not synced.
 */
async function leftQueue(t: TestContext, { durability = 'disk', isClosed = false } = {}) {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory, durability: durability as 'disk' | 'process' })
  for (let round = 0; round < 3; round++) {
    await queue.enqueue('echo', `waits ${round}`, { delay: 3_600_000 })
    await (await queue.enqueue('echo', `runs ${round}`)).finished()
    await assert.rejects((await queue.enqueue('throwUnrecoverable')).finished())
  }
  await queue.close()
  const { name, bytes, records } = await readLog(directory)
  if (isClosed) return { directory, name, bytes, records }
  // Closing has noted how long the log is, so that it is not taken for torn.
  await rm(join(directory, 'CLOSED'))
  if (durability === 'process') return { directory, name, bytes, records }
  // Closing has synced, and written once more behind that. Without these two groups it is as if the process had died.
  const kept = records.slice(0, -2)
  const left = bytes.subarray(0, kept.at(-1)?.end)
  await writeFile(join(directory, name), left)
  return { directory, name, bytes: left, records: kept }
}

/** Opens a copy of the directory whose log has these bytes. Gives the numbers of its jobs, having checked the counts. */
async function numbersIn(t: TestContext, directory: string, name: string, bytes: Buffer): Promise<number[]> {
  const copy = join(await temporaryDirectory(t), 'copy')
  await cp(directory, copy, { recursive: true })
  await writeFile(join(copy, name), bytes)
  return openedNumbers(t, copy)
}

async function openedNumbers(t: TestContext, directory: string): Promise<number[]> {
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const jobs = await allJobs(queue)
  await queue.close()
  assert.deepEqual((await inspect(directory)).problems, [])
  return jobs.map(({ id }) => Number.parseInt(id.slice(-12), 16)).sort((a, b) => a - b)
}

/** How many jobs these groups added: each synced one added one. */
function addedBy(groups: readonly LogGroup[]): number {
  return groups.filter(({ isSynced }) => isSynced).length
}

const TAILS = {
  nothing: () => 0,
  zeros: (length: number) => length,
  garbage: (length: number) => length,
} as const

for (const [kind, lengthOf] of Object.entries(TAILS))
  test(`a log that is torn anywhere, with ${kind} behind, has each job whose group is whole`, async (t) => {
    const { directory, name, bytes, records } = await leftQueue(t)
    for (const { offset, end } of records.slice(1)) {
      const cut = Math.floor((offset + end) / 2)
      const tail = Buffer.alloc(lengthOf(bytes.length - cut))
      if (kind === 'garbage') for (let at = 0; at < tail.length; at++) tail[at] = (at * 151 + 87) & 0xff
      const found = await numbersIn(t, directory, name, Buffer.concat([bytes.subarray(0, cut), tail]))
      assert.equal(found.length, addedBy(records.filter((record) => record.end <= offset)))
    }
  })

test('of a log with a hole in what was not synced, that before the hole is kept', async (t) => {
  const { directory, name, bytes, records } = await leftQueue(t)
  const lastSynced = records.findLastIndex(({ isSynced }) => isSynced)
  const hole = records[lastSynced + 1]
  assert.ok(hole && records.length > lastSynced + 2, 'something follows the hole')
  const holed = Buffer.from(bytes).fill(0, hole.offset, hole.end)
  const cut = await numbersIn(t, directory, name, bytes.subarray(0, hole.offset))
  assert.deepEqual(await numbersIn(t, directory, name, holed), cut)
  assert.equal(cut.length, 9)
})

test('of a log with a hole before the group that was just being synced, that before the hole is kept', async (t) => {
  const { directory, name, bytes, records } = await leftQueue(t)
  const last = records.findLastIndex(({ isSynced }) => isSynced)
  const [hole, group] = records.slice(last - 1)
  assert.ok(hole && group && !hole.isSynced, 'the hole is in what was not synced before')
  const holed = Buffer.from(bytes.subarray(0, group.end)).fill(0, hole.offset, hole.end)
  assert.equal((await numbersIn(t, directory, name, holed)).length, addedBy(records.slice(0, last - 1)))
})

async function assertNamed(t: TestContext, directory: string, name: string): Promise<void> {
  const before = await readFile(join(directory, name))
  await assert.rejects(openQueue(t, { directory }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'MILLRACE_CORRUPT')
    assert.match(error.message, new RegExp(`${name} has changed at byte \\d+`))
    return true
  })
  assert.deepEqual(await readFile(join(directory, name)), before)
}

for (const isClosed of [false, true])
  test(`damage before what was synced is named, and nothing changed, after ${isClosed ? 'closing' : 'a kill'}`, async (t) => {
    const { directory, name, bytes, records } = await leftQueue(t, { isClosed })
    const lastSynced = records.findLastIndex(({ isSynced }) => isSynced)
    for (const { offset } of records.slice(0, isClosed ? -2 : lastSynced)) {
      for (const at of [offset, offset + 4, offset + 6, offset + 20]) {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ 0x10
        await writeFile(join(directory, name), damaged)
        await assertNamed(t, directory, name)
      }
    }
  })

test('damage before the last group of a log is named, if there is a newer log with groups', async (t) => {
  const { directory, name, records } = await leftQueue(t)
  const last = records.findLastIndex(({ isSynced }) => isSynced)
  await splitLog(directory, name, records, last + 1, last + 1)
  const bytes = await readFile(join(directory, name))
  const damaged = (records[last - 1]?.offset ?? 0) + 20
  bytes[damaged] = (bytes[damaged] ?? 0) ^ 0x10
  await writeFile(join(directory, name), bytes)
  await assertNamed(t, directory, name)
})

/** Splits the log in two, as LevelDB does when it goes on to a new one, without the groups from `from` to `to`. */
async function splitLog(directory: string, name: string, records: LogGroup[], from: number, to: number) {
  await writeLog(directory, name, records.slice(0, from))
  await writeLog(directory, '000900.log', records.slice(to))
}

test('a log whose unsynced end is missing before a newer log loses no job, and the counts are made anew', async (t) => {
  const { directory, name, records } = await leftQueue(t)
  const outcome = records.findIndex(({ isSynced }, index) => index > 4 && !isSynced)
  await splitLog(directory, name, records, outcome, outcome + 1)
  assert.equal((await openedNumbers(t, directory)).length, 9)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const jobs = await allJobs(queue)
  queue.setMaxWorkers(2)
  await Promise.allSettled(jobs.filter(({ state }) => state !== 'delayed').map((job) => job.finished()))
  await allJobs(queue)
  assert.deepEqual(queue.counts(), {
    waiting: 0,
    delayed: 3,
    running: 0,
    completed: 3,
    failed: 3,
    cancelled: 0,
  })
  assert.ok(!(await readdir(directory)).includes('REBUILD'))
})

test('making the counts anew is done by the next opening, if it was cut short', async (t) => {
  const { directory } = await leftQueue(t)
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.clear(rangeOf('mc'))
  await db.close()
  assert.notDeepEqual((await inspect(directory)).problems, [])
  await writeFile(join(directory, 'REBUILD'), '')
  assert.equal((await openedNumbers(t, directory)).length, 9)
  assert.ok(!(await readdir(directory)).includes('REBUILD'))
})

test('a newer log in which nothing was promised goes with the missing end of the one before', async (t) => {
  const { directory, name, records } = await leftQueue(t, { durability: 'process' })
  await splitLog(directory, name, records, 5, 6)
  const found = await openedNumbers(t, directory)
  assert.ok(found.length > 0 && found.length < 9, 'some jobs were in the newer log')
})

test('a log whose name never reached the disk is no damage, as the log before it shows that is still there', async (t) => {
  const { directory, name, bytes } = await leftQueue(t)
  assert.equal((await openedNumbers(t, directory)).length, 9)
  const newest = await readLog(directory)
  assert.ok(newest.name !== name && newest.bytes.length === 0, 'all is in tables, and nothing in the new log')
  await rm(join(directory, newest.name))
  await assert.rejects(openQueue(t, { directory }), {
    code: 'MILLRACE_CORRUPT',
    message: /log \d+ is missing/,
  })
  await writeFile(join(directory, name), bytes)
  assert.equal((await openedNumbers(t, directory)).length, 9)
})

test('when a log without a name is followed by one that was synced, the counts are made anew', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await openQueue(t, { directory, maxWorkers: 0 })
  await first.enqueueMany('echo', ['a', 'b', 'c'])
  await first.close()
  const older = await readLog(directory)
  const second = await openQueue(t, { directory, maxWorkers: 0 })
  const jobs = await allJobs(second)
  second.setMaxWorkers(2)
  await Promise.all(jobs.map((job) => job.finished()))
  second.setMaxWorkers(0)
  await second.enqueue('echo', 'd')
  await second.close()
  const { name, records } = await readLog(directory)
  const synced = records.findIndex(({ isSynced }) => isSynced)
  assert.ok(synced > 0, 'outcomes stand before it that were not synced')
  await rm(join(directory, name))
  await rm(join(directory, 'CLOSED'))
  await writeFile(join(directory, older.name), older.bytes)
  await writeLog(directory, '000900.log', records.slice(synced))
  assert.equal((await openedNumbers(t, directory)).length, 4)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  assert.equal(queue.counts().waiting, 4)
})
