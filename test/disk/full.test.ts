import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { mkdtemp, readdir, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue } from '../support/queue.js'
import { runScript } from '../support/script.js'

const NO_MOUNT = mountTrouble()

/** Why no small file system can be mounted here; `false` if one can. */
function mountTrouble(): string | false {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'], {
      stdio: 'ignore',
    })
    return false
  } catch {
    return 'mounting a small file system is not permitted here'
  }
}

/** An empty file system of a few megabytes, gone when the test ends. */
async function smallDisk(t: TestContext, megabytes: number): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'millrace-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk])
  t.after(async () => {
    execFileSync('umount', ['-l', disk])
    await rmdir(disk)
  })
  return disk
}

const FILL = `
  const [directory] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, { maxWorkers: 0, workers: { echo: { module: fixture, export: 'echo' } } })
  const errors = []
  queue.on('error', ({ code }) => errors.push(code))
  const acknowledged = []
  const earlier = await queue.enqueue('echo', 'first')
  acknowledged.push(earlier.id)
  const finished = earlier.finished().catch(({ code }) => code)
  const idle = queue.idle().catch(({ code }) => code)
  let refused
  for (let n = 0; n < 1000 && refused === undefined; n++)
    await queue.enqueue('echo', 'x'.repeat(100_000)).then(({ id }) => acknowledged.push(id), ({ code }) => { refused = code })
  queue.setMaxWorkers(2)
  const later = await Promise.all([
    queue.enqueue('echo', 1), queue.enqueueMany('echo', [1, 2]), earlier.finished(), queue.idle(),
  ].map((call) => call.then(() => 'fulfilled', ({ code }) => code)))
  const said = { refused, finished: await finished, idle: await idle, later, errors, started: queue.numWorkers }
  await queue.close()
  console.log(JSON.stringify({ said, acknowledged }))`

test('a full disk stops the queue, which says so once; with room again it goes on, and nothing acknowledged is missing', {
  skip: NO_MOUNT,
}, async (t) => {
  const disk = await smallDisk(t, 8)
  const directory = join(disk, 'jobs')
  const { stdout, stderr, code } = await runScript(t, FILL, [directory])
  assert.equal(code, 0, stderr)
  const { said, acknowledged } = JSON.parse(stdout) as { said: object; acknowledged: string[] }
  const STORE = 'MILLRACE_STORE'
  assert.deepEqual(said, {
    refused: STORE,
    finished: STORE,
    idle: STORE,
    later: [STORE, STORE, STORE, STORE],
    errors: [STORE],
    started: 0,
  })
  assert.ok(acknowledged.length > 10)
  // Moved to where there is room, as one would.
  const roomy = join(await temporaryDirectory(t), 'jobs')
  cpSync(directory, roomy, { recursive: true })
  const queue = await openQueue(t, { directory: roomy, maxWorkers: 0 })
  for (const id of acknowledged) assert.equal((await queue.job(id))?.state, 'waiting')
  // The one that was refused may be there.
  const { waiting } = queue.counts()
  assert.ok(waiting === acknowledged.length || waiting === acknowledged.length + 1, `${waiting} wait`)
  queue.setMaxWorkers(2)
  await queue.idle()
  assert.equal(queue.counts().completed, waiting)
  // The same on the same disk, enlarged.
  execFileSync('mount', ['-o', 'remount,size=64m', disk])
  const enlarged = await openQueue(t, { directory })
  await enlarged.idle()
  assert.equal(enlarged.counts().completed, waiting)
  await enlarged.close()
})

test('a backup to a disk that is too small fails, leaves nothing there, and the queue goes on', {
  skip: NO_MOUNT,
}, async (t) => {
  const target = join(await smallDisk(t, 2), 'copy')
  const queue = await openQueue(t, { maxWorkers: 0, durability: 'process' })
  await queue.enqueueMany(
    'echo',
    Array.from({ length: 60 }, () => Buffer.alloc(100_000, 1)),
  )
  await assert.rejects(queue.backup(target), { code: 'MILLRACE_BACKUP' })
  assert.deepEqual(await readdir(target).catch(() => []), [])
  queue.setMaxWorkers(2)
  await queue.idle()
  assert.equal(queue.counts().completed, 60)
})
