/** Files that are deleted, moved or cut short beneath a queue at work. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { fixtureWorkers, openQueue } from '../support/queue.js'
import { runScript } from '../support/script.js'
import { runsAll, stoppedBy } from './at-work.js'

test('a queue whose directory is moved away stops, and has everything where it is now', async (t) => {
  const directory = join(await temporaryDirectory(t), 'jobs')
  const acknowledged = await stoppedBy(t, directory, `fs.renameSync(directory, directory + '-moved')`)
  assert.equal(existsSync(directory), false)
  await runsAll(t, `${directory}-moved`, acknowledged)
})

test('a queue whose directory is removed stops and closes, and a new one can be made there', async (t) => {
  const directory = join(await temporaryDirectory(t), 'jobs')
  await stoppedBy(t, directory, 'fs.rmSync(directory, { recursive: true })')
  const queue = await openQueue(t, { directory })
  assert.deepEqual(queue.recovered, { returned: 0, failed: 0, waiting: 0 })
})

test('a queue whose directory is replaced stops soon, though the system lets it write on to what is gone', async (t) => {
  const directory = join(await temporaryDirectory(t), 'jobs')
  const other = await openQueue(t, { directory: `${directory}-other` })
  await other.close()
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const said = once(queue, 'error')
  await rename(directory, `${directory}-old`)
  await rename(`${directory}-other`, directory)
  const acknowledged: string[] = []
  const enqueue = async () => acknowledged.push((await queue.enqueue('echo', 1)).id)
  // Far too little for a new log, which could not be made there.
  const refused = { code: 'MILLRACE_STORE', message: /has been replaced by another/ }
  await assert.rejects(async () => {
    for (;;) await enqueue()
  }, refused)
  assert.match(((await said)[0] as Error).message, refused.message)
  await queue.close()
  assert.equal((await openQueue(t, { directory })).recovered.waiting, 0)
  await runsAll(t, `${directory}-old`, acknowledged)
})

/** Enough jobs for a table, then what happens to some files, then some more, and the end. */
const LOSE = `
  import fs from 'node:fs'
  import { join } from 'node:path'
  const [directory, pattern, what, end] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, { maxWorkers: 0, workers: { echo: { module: fixture, export: 'echo' } } })
  const acknowledged = []
  const add = async (count) => {
    const inputs = Array.from({ length: count }, () => 'x'.repeat(100_000))
    for (const { id } of await queue.enqueueMany('echo', inputs)) acknowledged.push(id)
  }
  const names = () => fs.readdirSync(directory).filter((name) => new RegExp(pattern).test(name))
  for (let n = 0; n < 12; n++) await add(20)
  while (names().length === 0) await add(1)
  const lost = names()
  for (const name of lost) {
    if (what === 'deleted') fs.unlinkSync(join(directory, name))
    else fs.truncateSync(join(directory, name), 1000)
  }
  for (let n = 0; n < 5; n++) await add(1)
  console.log(JSON.stringify({ lost, acknowledged }))
  if (end === 'killed') process.kill(process.pid, 'SIGKILL')
  if (end === 'read') await queue.jobs({ limit: 10_000 }).catch(() => {})
  await queue.close()`

interface Lost {
  readonly lost: readonly string[]
  readonly acknowledged: readonly string[]
}

async function lose(t: TestContext, pattern: string, what: 'deleted' | 'cut short', end: string) {
  const directory = join(await temporaryDirectory(t), 'jobs')
  const { stdout, stderr, code, signal } = await runScript(t, LOSE, [directory, pattern, what, end])
  assert.notEqual(stdout, '', stderr)
  return { directory, code, signal, ...(JSON.parse(stdout) as Lost) }
}

/** Whatever is gone: it is named, or nothing that was acknowledged is missing. */
async function isNamedOrWhole(
  t: TestContext,
  directory: string,
  { lost, acknowledged }: Lost,
): Promise<void> {
  const opened = await JobQueue.open(directory, { workers: fixtureWorkers(), maxWorkers: 0 }).catch(
    (error: Error & { code: string }) => error,
  )
  if (opened instanceof Error) {
    assert.equal(opened.code, 'MILLRACE_CORRUPT')
    const numbers = lost.map((name) => Number.parseInt(name, 10) || name)
    assert.ok(
      numbers.some((number) => opened.message.includes(`${number}`)),
      `${opened.message}, not ${lost}`,
    )
    await JobQueue.repair(directory)
    return
  }
  t.after(() => opened.close())
  for (const id of acknowledged) assert.equal((await opened.job(id))?.state, 'waiting')
}

const FILES = {
  'the log': '\\.log$',
  'a table': '\\.ldb$',
  'the manifest': '^MANIFEST',
  CURRENT: '^CURRENT$',
  'the marker file': '^MILLRACE$',
}

for (const [which, pattern] of Object.entries(FILES))
  test(`when ${which} is deleted beneath a queue at work, nothing acknowledged is missing in silence`, async (t) => {
    for (const end of ['closed', 'killed']) {
      const { directory, code, signal, ...lost } = await lose(t, pattern, 'deleted', end)
      assert.equal(end === 'closed' ? code : signal, end === 'closed' ? 0 : 'SIGKILL')
      await isNamedOrWhole(t, directory, lost)
    }
  })

test('a table that is cut short beneath a queue at work is named by the next opening, though reading it ended the process', async (t) => {
  const { directory, code, signal, ...lost } = await lose(t, FILES['a table'], 'cut short', 'read')
  // LevelDB reads tables as memory, and the system lets nobody read memory behind a file's end.
  assert.ok(code === 0 || signal === 'SIGBUS', `${code} ${signal}`)
  await assert.rejects(JobQueue.open(directory, { workers: {} }), { code: 'MILLRACE_CORRUPT' })
  const { jobs } = await JobQueue.repair(directory)
  assert.ok(jobs.waiting > 0 && jobs.waiting < lost.acknowledged.length, `${jobs.waiting} wait`)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const saved = await queue.jobs({ state: 'waiting', limit: 10_000 })
  assert.equal(saved.length, jobs.waiting)
  // The name of the task may have been in that table.
  for (const { id, input } of saved) {
    assert.ok(lost.acknowledged.includes(id))
    assert.equal((input as string).length, 100_000)
  }
})
