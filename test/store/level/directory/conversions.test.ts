/** Directories of earlier formats. They are kept in `test/fixtures/directories`, whose `make.js` says what is in them. */
import assert from 'node:assert/strict'
import { chmod, cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { JobQueue, type QueueOptions } from '../../../../src/index.js'
import { convert } from '../../../../src/store/level/directory/conversions.js'
import { FORMAT, FORMAT_KEY } from '../../../../src/store/level/format/keys.js'
import type { Database } from '../../../../src/store/level/group-commit.js'
import { allJobs } from '../../../support/all-jobs.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { inspect } from '../../../support/inspect.js'
import { ROOT } from '../../../support/project.js'
import { FIXTURE } from '../../../support/queue.js'

const KEPT = join(ROOT, 'test', 'fixtures', 'directories')
const ALL = { count: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY }
const OPTIONS: QueueOptions = {
  workers: { echo: { module: FIXTURE, export: 'echo' }, fail: { module: FIXTURE, export: 'echo' } },
  keep: { completed: ALL, failed: ALL, cancelled: ALL },
  maxWorkers: 0,
}

async function copyOf(t: TestContext, name: string): Promise<string> {
  const directory = join(await temporaryDirectory(t), 'jobs')
  await cp(join(KEPT, name), directory, { recursive: true })
  await chmod(directory, 0o700)
  return directory
}

/** Opens the directory, in which all jobs must be what they were, and works it off. */
async function assertWhole(directory: string): Promise<void> {
  const queue = await JobQueue.open(directory, OPTIONS)
  try {
    const jobs = await allJobs(queue)
    const of = (state: string) => jobs.filter((job) => job.state === state)
    assert.deepEqual(
      of('completed').map(({ output }) => (output as { done: number }).done),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    const [failed] = of('failed')
    assert.deepEqual([failed?.task, failed?.input, failed?.meta], ['fail', 'way', { from: 'fixture' }])
    assert.deepEqual(
      failed?.failures.map(({ attempt, name, message }) => [attempt, name, message]),
      [
        [1, 'TypeError', 'no way'],
        [2, 'TypeError', 'no way'],
      ],
    )
    assert.deepEqual(
      of('cancelled').map(({ input }) => input),
      ['called off'],
    )
    assert.deepEqual(
      of('delayed').map(({ input, runAt }) => [input, runAt]),
      [['later', new Date('2100-01-01')]],
    )
    const [urgent, ...waiting] = of('waiting')
    assert.deepEqual(
      waiting.map(({ input }) => (input as { waits: number }).waits),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    assert.deepEqual(urgent?.input, new Map([[1n, new Date(0)]]))
    assert.deepEqual(
      [urgent?.priority, urgent?.attempts, urgent?.key, urgent?.meta],
      [-5, 7, 'a key', { tag: 'm' }],
    )
    assert.equal((await queue.enqueue('echo', 'again', { key: 'a key' })).id, urgent?.id)
  } finally {
    await queue.close()
  }
  assert.deepEqual((await inspect(directory)).problems, [])
}

async function openDatabase(directory: string): Promise<Database> {
  const db: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await db.open()
  return db
}

test('a directory of each format is kept', async () => {
  const kept = (await readdir(KEPT)).filter((name) => name.startsWith('format-')).sort()
  assert.deepEqual(
    kept,
    Array.from({ length: FORMAT }, (_, index) => `format-${index + 1}`),
  )
})

for (let format = 1; format <= FORMAT; format++) {
  const name = `format-${format}`

  test(`${name}: a directory is opened with every job as it was, and then again`, async (t) => {
    const directory = await copyOf(t, name)
    await assertWhole(directory)
    await assertWhole(directory)
    const db = await openDatabase(directory)
    assert.deepEqual(await db.get(FORMAT_KEY), Buffer.of(FORMAT))
    await db.close()
    const queue = await JobQueue.open(directory, { ...OPTIONS, maxWorkers: 1 })
    const waiting = await queue.jobs({ state: ['waiting', 'running'] })
    await Promise.all(waiting.map((job) => job.finished()))
    assert.equal(queue.counts().completed, 21)
    await queue.close()
    assert.deepEqual((await inspect(directory)).problems, [])
  })

  test(`${name}: a directory is repaired`, async (t) => {
    const directory = await copyOf(t, name)
    await rm(join(directory, 'CURRENT'))
    const { jobs, dropped } = await JobQueue.repair(directory)
    assert.equal(dropped, 0)
    assert.deepEqual(jobs, { waiting: 11, delayed: 1, running: 0, completed: 10, failed: 1, cancelled: 1 })
    await assertWhole(directory)
  })
}

test('a conversion that is killed at any write is gone on with', async (t) => {
  for (let format = 1; format < FORMAT; format++) {
    let isCut = true
    for (let writes = 0; isCut; writes++) {
      const directory = await copyOf(t, `format-${format}`)
      isCut = await convertCut(directory, writes)
      await assertWhole(directory)
    }
  }
})

/** Converts a directory, and stops before so many writes are done. Returns whether there would have been more. */
async function convertCut(directory: string, writes: number): Promise<boolean> {
  const db = await openDatabase(directory)
  let left = writes
  const assertAlive = () => {
    if (left-- === 0) throw new Error('killed')
  }
  const cut = new Proxy(db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name === 'put') assertAlive()
      if (name !== 'batch') return member.bind(target)
      return () => {
        const batch = target.batch()
        const write = batch.write.bind(batch)
        batch.write = async () => {
          assertAlive()
          return write()
        }
        return batch
      }
    },
  })
  const error: unknown = await convert(cut, directory).catch((thrown: unknown) => thrown)
  await db.close()
  if (error !== undefined) assert.equal((error as Error).message, 'killed')
  return error !== undefined
}
