/** Permission that is not there, or is lost while the queue is at work. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { give, NO_OTHER_USER } from '../support/another-user.js'
import { temporaryDirectory } from '../support/directory.js'
import { NO_MOUNT, remount, smallDisk } from '../support/disk.js'
import { fixtureWorkers, openQueue } from '../support/queue.js'
import { runScript } from '../support/script.js'
import { runsAll, stoppedBy } from './at-work.js'

test('a queue on a read-only file system is refused with the reason, not changed, and opens when it is writable', {
  skip: NO_MOUNT,
}, async (t) => {
  const disk = await smallDisk(t, 64)
  const directory = join(disk, 'jobs')
  const empty = join(disk, 'empty')
  await mkdir(empty)
  await withOneJob(t, directory)
  const names = await readdir(directory)
  remount(disk, 'ro')
  const refused = {
    code: 'MILLRACE_STORE',
    message: /^(opening|making) \S+ failed: .*read-only file system.*\. Make its file system writable, /i,
  }
  for (const path of [directory, empty, join(disk, 'new', 'jobs')])
    await assert.rejects(JobQueue.open(path, { workers: fixtureWorkers() }), refused, path)
  await assert.rejects(JobQueue.repair(directory), { code: 'MILLRACE_STORE', message: /read-only/i })
  assert.deepEqual(await readdir(directory), names)
  remount(disk, 'rw')
  const queue = await openQueue(t, { directory })
  await queue.idle()
  assert.equal(queue.counts().completed, 1)
  await queue.close()
})

test('a queue whose directory or files may not be written is refused with the reason, and opens when they may', async (t) => {
  const directory = await openToOthers(t)
  await withOneJob(t, directory)
  const open = `
    ${BECOME_ANOTHER}
    await JobQueue.open(process.argv[2], { workers: {} }).catch(({ code, message }) => console.log(code, message))`
  for (const withheld of ['.', 'LOCK']) {
    await chmod(join(directory, withheld), withheld === '.' ? 0o500 : 0o400)
    const { stdout, stderr } = await runScript(t, open, [directory])
    assert.match(
      stdout,
      /^MILLRACE_STORE opening \S+ failed: .*permission denied.*\. Let this process read and write the directory/i,
      stderr,
    )
    await chmod(join(directory, withheld), withheld === '.' ? 0o700 : 0o600)
  }
  if (NO_OTHER_USER === false) await give(directory, 0)
  const queue = await openQueue(t, { directory })
  await queue.idle()
  assert.equal(queue.counts().completed, 1)
})

test('a queue that loses its permission stops at the first write that fails, and has everything when it is given back', async (t) => {
  const directory = await openToOthers(t)
  const acknowledged = await stoppedBy(
    t,
    directory,
    `${BECOME_ANOTHER}
    fs.chmodSync(directory, 0o500)`,
  )
  await chmod(directory, 0o700)
  if (NO_OTHER_USER === false) await give(directory, 0)
  await runsAll(t, directory, acknowledged)
})

/** The superuser is refused nothing: becomes somebody else, whom the directory belongs to from then on. */
const BECOME_ANOTHER = `
  if (process.getuid() === 0) {
    const { chownSync, readdirSync } = process.getBuiltinModule('node:fs')
    for (const name of ['.', ...readdirSync(process.argv[2])]) chownSync(process.argv[2] + '/' + name, 65534, 65534)
    process.setgroups([])
    process.setgid(65534)
    process.setuid(65534)
  }`

/** Where a queue's directory can be reached by another user. */
async function openToOthers(t: TestContext): Promise<string> {
  const parent = await temporaryDirectory(t)
  await chmod(parent, 0o755)
  return join(parent, 'jobs')
}

async function withOneJob(t: TestContext, directory: string): Promise<void> {
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await queue.enqueue('echo', 1)
  await queue.close()
}
