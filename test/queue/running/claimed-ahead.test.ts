/** Jobs that were claimed and have not reached a thread yet. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'

/** One thread runs a job behind a gate, and the next job, an `echo`, is claimed ahead for it. */
async function claimedAhead(t: TestContext): Promise<{ queue: TestQueue; gate: string; ahead: Job }> {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const directory = await temporaryDirectory(t)
  const open = join(directory, 'open')
  await writeFile(open, '')
  // Both tasks are known to be short: only then is a job claimed ahead. The first run of a thread is not short.
  for (let round = 0; round < 20; round++) {
    await (await queue.enqueue('gate', open)).finished()
    await (await queue.enqueue('echo', 'short')).finished()
  }
  const gate = join(directory, 'gate')
  queue.pause()
  await queue.enqueue('gate', gate)
  const begun = once(queue, 'log')
  queue.resume()
  await begun
  const ahead = await queue.enqueue('echo', 'ahead')
  while (queue.counts('echo').running === 0) await queue.jobs()
  // Looking at jobs waits for what is being written: the claim.
  await queue.jobs()
  assert.deepEqual([queue.numWorkers, queue.counts().running], [1, 2])
  return { queue, gate, ahead }
}

test('a job that was claimed ahead is cancelled at once, while the one before it runs', async (t) => {
  const { queue, gate, ahead } = await claimedAhead(t)
  assert.equal(await ahead.cancel(), true)
  assert.deepEqual([queue.counts().cancelled, queue.counts('gate').running], [1, 1])
  await writeFile(gate, '')
  await queue.idle()
})

test('pausing a task, or everything, gives back what was claimed ahead', async (t) => {
  for (const task of ['echo', undefined] as const) {
    const { queue, gate, ahead } = await claimedAhead(t)
    queue.pause(task)
    await queue.jobs()
    const { waiting, running } = queue.counts('echo')
    assert.deepEqual([waiting, running, queue.counts('gate').running], [1, 0, 1])
    await writeFile(gate, '')
    queue.resume(task)
    assert.equal(await ahead.finished(), 'ahead')
    assert.deepEqual((await queue.job(ahead.id))?.failures, [])
  }
})

test('with no thread left to wait for, what was claimed ahead is given back', async (t) => {
  const { queue, gate, ahead } = await claimedAhead(t)
  queue.setMaxWorkers(0)
  await queue.jobs()
  assert.deepEqual([queue.counts('echo').waiting, queue.counts('gate').running], [1, 1])
  await writeFile(gate, '')
  queue.setMaxWorkers(1)
  assert.equal(await ahead.finished(), 'ahead')
})

test('a paused task of other jobs holds nothing up', async (t) => {
  const { queue, gate, ahead } = await claimedAhead(t)
  queue.pause('add')
  await queue.jobs()
  assert.equal(queue.counts('echo').running, 1)
  await writeFile(gate, '')
  assert.equal(await ahead.finished(), 'ahead')
})

test('a job that is cancelled while it is being claimed is cancelled', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  for (let round = 0; round < 50; round++) {
    queue.pause()
    const job = await queue.enqueue('block')
    queue.resume()
    // The claim is made in this turn, while the store looks for the job.
    assert.equal(await job.cancel(), true, `round ${round}`)
    assert.equal((await queue.job(job.id))?.state, 'cancelled')
  }
})
