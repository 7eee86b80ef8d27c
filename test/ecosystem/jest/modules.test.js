// jest with NODE_OPTIONS=--experimental-vm-modules.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { JobQueue } from 'millrace'

test('a job runs', async () => {
  const workers = { area: new URL('./workers/area.js', import.meta.url) }
  const queue = await JobQueue.open(await mkdtemp(join(tmpdir(), 'millrace-')), { workers })
  const job = await queue.enqueue('area', { width: 6, height: 7 })
  expect(await job.finished()).toBe(42)
  await queue.close()
})
