/** Inputs that are kept with completed jobs, on disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Level } from 'level'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { claimNext, levelOptions, newJob } from '../../support/store.js'

test('small jobs that came in and complete together still share one entry when their inputs are kept', async (t) => {
  const directory = await temporaryDirectory(t)
  const { store } = await LevelStore.open(directory, levelOptions({ keptInputBytes: 1000 }))
  // As much as one entry of the backlog takes: with their outputs it is more.
  await store.add(Array.from({ length: 200 }, () => newJob(store.lane('a'), 'x'.repeat(150))))
  const output = Buffer.from('output')
  const jobs = await claimNext(store)
  await store.settle(jobs.map((job) => ({ outcome: 'completed', job, output, startedAt: 1 })))
  await store.close()
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer' })
  const prefixes = (await db.keys().all()).map((key) => key.toString('latin1', 0, 1))
  await db.close()
  const count = (prefix: string) => prefixes.filter((each) => each === prefix).length
  assert.deepEqual([count('o'), count('c')], [1, 0])
})
