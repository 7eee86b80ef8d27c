/** Cancelling a job whose attempt has just ended. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'

test('a job is cancelled whose module could not be loaded a moment ago', async (t) => {
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: () => new URL('missing.js', import.meta.url),
  })
  t.after(() => queue.close({ timeout: 0 }))
  const job = await queue.enqueue('any')
  await once(queue, 'error')
  assert.equal(await job.cancel(), true)
  assert.equal((await queue.job(job.id))?.state, 'cancelled')
})

test('a job is cancelled whose failed attempt is not reported yet, and is not tried again', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'go-on')
  const source = `import { existsSync } from 'node:fs'
    export default (input, job) => {
      if (input === 'bad') throw new Error('bad')
      job.log('blocking')
      while (!existsSync(input));
    }`
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { any: new URL(`data:text/javascript,${encodeURIComponent(source)}`) },
    maxWorkers: 1,
    backoff: '1h',
  })
  t.after(() => queue.close({ timeout: 0 }))
  // From then on jobs are known to be short, and travel together.
  for (let count = 0; count < 5; count++)
    await assert.rejects((await queue.enqueue('any', 'bad', { attempts: 1 })).finished())
  const blocked = once(queue, 'log')
  const jobs = await queue.enqueueMany('any', ['bad', file])
  await blocked
  // The thread has not sent the outcome of the first one, because the second one blocks it.
  const [failed] = jobs
  const wasCancelled = failed?.cancel()
  await writeFile(file, '')
  assert.equal(await wasCancelled, true)
  const stored = failed && (await queue.job(failed.id))
  assert.equal(stored?.state, 'cancelled')
  assert.equal(stored?.failureCount, 1)
})
