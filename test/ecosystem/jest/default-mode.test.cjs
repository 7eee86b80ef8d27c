// jest's default mode: `require`, in a module system of its own.
const { mkdtemp } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { JobQueue } = require('millrace')

test('a job runs, and its snapshot can be compared', async () => {
  const workers = { area: join(__dirname, 'workers/area.js') }
  const queue = await JobQueue.open(await mkdtemp(join(tmpdir(), 'millrace-')), { workers })
  const job = await queue.enqueue(
    'area',
    { width: 6, height: 7 },
    { meta: { at: new Date(0) }, runAt: new Date() },
  )
  expect(await job.finished()).toBe(42)
  expect((await queue.job(job.id)).meta).toEqual({ at: new Date(0) })
  await queue.close()
})
