/** Large inputs go through a queue and leave nothing of them in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { referencedBytes } from '../support/memory.js'
import { openQueue } from '../support/queue.js'

const MB = 1024 * 1024
const ROUNDS = 20

test('memory does not grow with the large inputs that have run, failed, been listed, cancelled and removed', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1, durability: 'process' })
  const seen = { completed: 0, failed: 0, cancelled: 0 }
  for (const event of ['completed', 'failed', 'cancelled'] as const)
    queue.on(event, (job) => {
      assert.ok(job.id)
      seen[event]++
    })
  const round = async (index: number) => {
    const input = Buffer.alloc(MB, index)
    const runs = await queue.enqueue('echo', input)
    const fails = await queue.enqueue('throwUnrecoverable', input as never)
    const waits = await queue.enqueue('echo', input, { delay: 3_600_000 })
    await Promise.allSettled([runs.finished(), fails.finished()])
    await queue.jobs({ limit: 5 })
    await queue.job(runs.id)
    if (index % 2 === 0) await waits.cancel()
    else await waits.remove()
  }
  // Threads and encoders keep buffers of their own, whatever comes later.
  for (let index = 0; index < 6; index++) await round(index)
  const before = await referencedBytes()
  for (let index = 0; index < ROUNDS; index++) await round(index)
  const grown = (await referencedBytes()) - before
  assert.deepEqual(seen, { completed: ROUNDS + 6, failed: ROUNDS + 6, cancelled: ROUNDS / 2 + 3 })
  assert.ok(grown < 10 * MB, `${grown} bytes`)
})
