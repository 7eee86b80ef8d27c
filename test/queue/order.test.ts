import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openQueue } from '../support/queue.js'

test('jobs that are given back are not overtaken by later ones', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1, durability: 'process' })
  for (let round = 0; round < 200; round++) {
    queue.pause()
    const order: unknown[] = []
    const jobs = await Promise.all([1, 2].map((place) => queue.enqueue('echo', place, { priority: place })))
    const finished = jobs.map(async (job) => order.push(await job.finished()))
    queue.resume()
    await Promise.resolve()
    // The first job is being claimed: it is given back, and so being written, when the queue is resumed.
    queue.pause()
    while (queue.counts().running > 0 && queue.numWorkers === 0) await new Promise(setImmediate)
    queue.resume()
    await Promise.all(finished)
    assert.deepEqual(order, [1, 2], `round ${round}`)
  }
})
