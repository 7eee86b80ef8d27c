/** Jobs that return to the backlog come before what was claimed behind them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

test('what was claimed ahead for other threads is given back when older jobs return', async (t) => {
  // With limits of its own, a job of this task cannot lie behind the other one's in the thread.
  const queue = await openQueue(t, {
    maxWorkers: 1,
    durability: 'process',
    perTask: { echo: { resourceLimits: { maxOldGenerationSizeMb: 64 } } },
  })
  const directory = await temporaryDirectory(t)
  const open = join(directory, 'open')
  await writeFile(open, '')
  // Both tasks are known to be short.
  for (let round = 0; round < 20; round++) {
    await (await queue.enqueue('echo', 'short')).finished()
    await (await queue.enqueue('gate', open)).finished()
  }
  const gate = join(directory, 'gate')
  const completed: string[] = []
  queue.on('completed', ({ id }) => completed.push(id))
  queue.pause()
  const [first, second] = await queue.enqueueMany('gate', [gate, open])
  const begun = once(queue, 'log')
  queue.resume()
  await begun
  const last = await queue.enqueue('echo', 'last')
  // The first job turns out long: the one that travels with it returns, and is claimed again, ahead of the last one.
  while (queue.counts().waiting === 0) await queue.jobs()
  await writeFile(gate, '')
  await queue.idle()
  assert.deepEqual(completed, [first?.id, second?.id, last.id])
})
