import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Level } from 'level'
import { JobQueue } from '../../../../src/index.js'
import { rangeOf } from '../../../../src/store/level/format/keys.js'
import { recordsOf } from '../../../../src/store/level/leveldb/log-file.js'
import { damagedBlocks } from '../../../../src/store/level/leveldb/table-file.js'
import { bulky, fileOf, flip, intactJobs, storedQueue } from '../../../support/damage.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { openQueue } from '../../../support/queue.js'

const LOG = /\.log$/
const TABLE = /\.ldb$/
const COUNTS = { waiting: 57, delayed: 6, running: 0, completed: 1, failed: 1, cancelled: 0 }

for (const kind of [/^CURRENT$/, /^MANIFEST-/, /^MILLRACE$/])
  test(`without the file ${kind.source.replace(/\W/g, '')} every job is saved`, async (t) => {
    const stored = await storedQueue(t)
    await rm(join(stored.directory, await fileOf(stored.directory, kind)))
    assert.deepEqual(await JobQueue.repair(stored.directory), { jobs: COUNTS, dropped: 0, files: [] })
    assert.equal((await intactJobs(t, stored)).length, 65)
  })

test('a sound queue is the same after a repair', async (t) => {
  const stored = await storedQueue(t)
  assert.deepEqual(await JobQueue.repair(stored.directory), { jobs: COUNTS, dropped: 0, files: [] })
  assert.equal((await intactJobs(t, stored)).length, 65)
})

test('of a damaged log just the groups with changed bytes are lost, and the file is kept', async (t) => {
  const stored = await storedQueue(t)
  const { directory, inLog } = stored
  const log = await fileOf(directory, LOG)
  const bytes = await readFile(join(directory, log))
  const [, second] = [...recordsOf(bytes)]
  assert.ok(second)
  bytes[second.offset + 20] = (bytes[second.offset + 20] ?? 0) ^ 1
  await writeFile(join(directory, log), bytes)
  const { jobs, dropped, files } = await JobQueue.repair(directory)
  assert.deepEqual([jobs, dropped, files], [{ ...COUNTS, waiting: 56 }, 0, [log]])
  assert.deepEqual(await readFile(join(directory, 'lost', `${log}.damaged`)), bytes)
  const lost = await intactJobs(t, stored).then((saved) => {
    const ids = new Set(saved.map(({ id }) => id))
    return [...stored.inputs.keys()].filter((id) => !ids.has(id))
  })
  assert.deepEqual(lost, [inLog[1]])
})

test('of a log whose end is missing the rest is saved, and the file is named', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  const log = await fileOf(directory, LOG)
  const [, , , end] = [...recordsOf(await readFile(join(directory, log)))]
  assert.ok(end)
  await truncate(join(directory, log), end.offset)
  const { jobs, dropped, files } = await JobQueue.repair(directory)
  assert.deepEqual([dropped, files], [0, [log]])
  assert.ok(jobs.waiting < COUNTS.waiting && jobs.waiting >= COUNTS.waiting - 5, JSON.stringify(jobs))
  assert.equal((await intactJobs(t, stored)).length, 65 - COUNTS.waiting + jobs.waiting)
})

test('a queue whose log is missing is opened after its repair: what was noted of that log is forgotten', async (t) => {
  const stored = await storedQueue(t)
  await rm(join(stored.directory, await fileOf(stored.directory, LOG)))
  await JobQueue.repair(stored.directory)
  assert.ok(!(await readdir(stored.directory)).includes('CLOSED'))
  assert.equal((await intactJobs(t, stored)).length, 60)
})

test('of a damaged table just one block is lost, and the file is kept', async (t) => {
  const stored = await storedQueue(t)
  const { directory, inLog } = stored
  const table = await fileOf(directory, TABLE)
  assert.deepEqual(damagedBlocks(await readFile(join(directory, table))), [])
  await flip(directory, table, 0.5)
  const damaged = await readFile(join(directory, table))
  assert.equal(damagedBlocks(damaged)?.length, 1)
  const { files } = await JobQueue.repair(directory)
  assert.deepEqual(files, [table])
  assert.deepEqual(await readFile(join(directory, 'lost', `${table}.damaged`)), damaged)
  const saved = await intactJobs(t, stored)
  assert.ok(saved.length > 35 && saved.length < 65, `${saved.length} jobs`)
  assert.ok(inLog.every((id) => saved.some((job) => job.id === id)))
})

test('of a table whose filter is damaged every job is saved, and found by its id', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  const table = await fileOf(directory, TABLE)
  const bytes = await readFile(join(directory, table))
  const meta = bytes.indexOf('filter.leveldb')
  assert.ok(meta > 0, 'the block that names the filter')
  // The filter stands just before: its checksum, its type, the length of its offsets.
  const damaged = Buffer.from(bytes).fill(0, meta - 24, meta - 12)
  await writeFile(join(directory, table), damaged)
  await assert.rejects(openQueue(t, { directory }), { code: 'MILLRACE_CORRUPT' })
  assert.deepEqual(await JobQueue.repair(directory), { jobs: COUNTS, dropped: 0, files: [table] })
  assert.equal((await intactJobs(t, stored)).length, 65)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  for (const id of stored.inputs.keys()) assert.equal((await queue.job(id))?.id, id)
})

test('a table whose index is damaged is set aside, and the jobs of the other files are saved', async (t) => {
  const stored = await storedQueue(t)
  const table = await fileOf(stored.directory, TABLE)
  const bytes = await readFile(join(stored.directory, table))
  await writeFile(join(stored.directory, table), bytes.fill(0, bytes.length - 60, bytes.length - 48))
  const { jobs, files } = await JobQueue.repair(stored.directory)
  assert.deepEqual([jobs.waiting, files], [5, [table]])
  assert.deepEqual(await readFile(join(stored.directory, 'lost', `${table}.damaged`)), bytes)
  const saved = await intactJobs(t, stored)
  assert.deepEqual(
    saved.map(({ id, task }) => [id, task]),
    stored.inLog.map((id) => [id, 'add']),
  )
})

test('whatever bit of the table or the log changes, a repair invents no job', async (t) => {
  const stored = await storedQueue(t)
  const home = await temporaryDirectory(t)
  for (const kind of [TABLE, LOG])
    for (let at = 0; at < 1; at += 0.06) {
      const directory = join(home, `${kind.source.slice(-3)}-${at}`)
      await cp(stored.directory, directory, { recursive: true })
      const name = await fileOf(directory, kind)
      await flip(directory, name, at)
      assert.deepEqual((await JobQueue.repair(directory)).files, [name], `at ${at}`)
      await intactJobs(t, { ...stored, directory })
    }
})

test('what is derived from the jobs is made anew', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  for (const prefix of ['t', 'e', 'k', 'm']) await db.clear(rangeOf(prefix))
  await db.put(Buffer.from('stranger'), Buffer.from('?'))
  await db.put(Buffer.concat([Buffer.from('b'), Buffer.alloc(12)]), Buffer.from('no'))
  await db.close()
  assert.deepEqual(await JobQueue.repair(directory), { jobs: COUNTS, dropped: 2, files: [] })
  assert.equal((await intactJobs(t, stored)).length, 65)
  const queue = await JobQueue.open(directory, {
    workers: {
      'lost-0': new URL('../../../fixtures/worker.js', import.meta.url),
      more: new URL('../../../fixtures/worker.js', import.meta.url),
    },
    maxWorkers: 0,
  })
  t.after(() => queue.close())
  assert.equal(queue.counts('lost-0').waiting, 52)
  const again = await queue.enqueue('lost-0', 'not added', { key: 'key 13' })
  assert.equal(again.input, bulky(13))
  assert.ok(!stored.inputs.has((await queue.enqueue('more', 1)).id))
})

test('a job that comes back in two states is kept in one: completed, else waiting', async (t) => {
  const { directory } = await storedQueue(t)
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const firstOf = async (prefix: string) => (await db.iterator({ ...rangeOf(prefix), limit: 1 }).all())[0]
  for (const [from, to] of [
    ['c', 'b'],
    ['f', 'b'],
    ['b', 'd'],
  ]) {
    const [key, value] = (await firstOf(from as string)) ?? assert.fail('there is none')
    await db.put(Buffer.concat([Buffer.from(to as string), key.subarray(1)]), value)
  }
  await db.close()
  const { jobs } = await JobQueue.repair(directory)
  assert.deepEqual(jobs, { ...COUNTS, waiting: 58, failed: 0 })
})

test('a repaired queue works its jobs off', async (t) => {
  const stored = await storedQueue(t)
  await flip(stored.directory, await fileOf(stored.directory, TABLE), 0.3)
  const { jobs } = await JobQueue.repair(stored.directory)
  const queue = await openQueue(t, { directory: stored.directory })
  const waiting = await queue.jobs({ state: ['waiting', 'running'], limit: 1000 })
  await Promise.all(waiting.map((job) => job.finished()))
  assert.equal(queue.counts().completed, jobs.completed + jobs.waiting)
})
