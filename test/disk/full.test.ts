import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { NO_MOUNT, remount, smallDisk } from '../support/disk.js'
import { openQueue } from '../support/queue.js'
import { runsAll, stoppedBy } from './at-work.js'

test('a full disk stops the queue, which says so once; with room again it goes on, and nothing acknowledged is missing', {
  skip: NO_MOUNT,
}, async (t) => {
  const disk = await smallDisk(t, 8)
  const directory = join(disk, 'jobs')
  const acknowledged = await stoppedBy(t, directory)
  assert.ok(acknowledged.length > 10)
  // Moved to where there is room, as one would.
  const roomy = join(await temporaryDirectory(t), 'jobs')
  cpSync(directory, roomy, { recursive: true })
  await runsAll(t, roomy, acknowledged)
  // The same on the same disk, enlarged.
  remount(disk, 'size=64m')
  const enlarged = await runsAll(t, directory, acknowledged)
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
