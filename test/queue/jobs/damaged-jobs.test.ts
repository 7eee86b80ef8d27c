import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { JobFailedError } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue, type TestQueue } from '../../support/queue.js'

const MARK = Buffer.from('damage me')

/** Spoils what is stored from before the mark on, in the first record that has it. */
async function damage(directory: string, bytesBefore: number): Promise<void> {
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const entries = await db.iterator().all()
  const [key, value] = entries.find(([, record]) => record.includes(MARK)) ?? assert.fail('there is no mark')
  value.fill(0xff, value.indexOf(MARK) - bytesBefore, value.indexOf(MARK) + 3)
  await db.put(key, value)
  await db.close()
}

/** A queue with a damaged job and a sound one behind it. */
async function openDamaged(
  t: TestContext,
  enqueue: (queue: TestQueue) => Promise<{ id: string }>,
  bytesBefore: number,
): Promise<{ queue: TestQueue; id: string }> {
  const directory = await temporaryDirectory(t)
  const before = await openQueue(t, { directory, maxWorkers: 0 })
  const { id } = await enqueue(before)
  await before.enqueue('echo', 'sound')
  await before.close()
  await damage(directory, bytesBefore)
  return { queue: await openQueue(t, { directory, maxWorkers: 0 }), id }
}

async function assertFailsAlone(queue: TestQueue, id: string): Promise<void> {
  const job = await queue.job(id)
  assert.ok(job)
  const failed = assert.rejects(job.finished(), (error: JobFailedError) => {
    assert.equal(error.code, 'MILLRACE_JOB_FAILED')
    assert.match(error.message, /failed after 1 attempt: stored data cannot be decoded/)
    assert.equal(error.failures[0]?.code, 'MILLRACE_DAMAGED')
    return true
  })
  queue.setMaxWorkers(1)
  await failed
  await queue.idle()
  const { completed, failed: dead, waiting } = queue.counts()
  assert.deepEqual([completed, dead, waiting], [1, 1, 0])
}

test('a job whose options are damaged fails at once, and the others go on', async (t) => {
  const meta = MARK.toString()
  const { queue, id } = await openDamaged(t, (before) => before.enqueue('echo', 1, { meta }), 3)
  assert.equal((await queue.jobs()).length, 2)
  await assertFailsAlone(queue, id)
  assert.equal((await queue.job(id))?.failures.length, 1)
  await queue.remove(id)
  assert.equal(await queue.job(id), undefined)
})

test('a job whose input is damaged fails at once, and its handle says what is wrong', async (t) => {
  const { queue, id } = await openDamaged(t, (before) => before.enqueue('echo', MARK.toString()), 1)
  const job = await queue.job(id)
  assert.throws(() => job?.input, { code: 'MILLRACE_DAMAGED' })
  await assertFailsAlone(queue, id)
})

test('a job with a damaged output is listed, and its output rejects', async (t) => {
  const directory = await temporaryDirectory(t)
  const before = await openQueue(t, { directory })
  const { id } = await before.enqueue('echo', MARK.toString())
  await before.idle()
  await before.close()
  await damage(directory, 1)
  const queue = await openQueue(t, { directory })
  const job = await queue.job(id)
  assert.equal(job?.state, 'completed')
  assert.throws(() => job?.output, { code: 'MILLRACE_DAMAGED' })
  await assert.rejects(async () => job?.finished(), { code: 'MILLRACE_DAMAGED' })
})
