/** What jobs and those who enqueue them may send too much of leaves nothing in memory. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { collectAll } from '../support/memory.js'

const MB = 1024 * 1024
const MOST_GROWN = 10 * MB

const FLOODS = `
  export const lines = (count, job) => { for (let n = 0; n < count; n++) job.log('line ' + n) }
  export const longLines = (count, job) => { for (let n = 0; n < count; n++) job.log('x'.repeat(1e6)) }
  export const progress = (count, job) => { for (let n = 0; n < count; n++) job.progress({ n, text: 'x'.repeat(1000) }) }
  export const huge = (length) => { throw Object.assign(new Error('x'.repeat(length)), { data: 'y'.repeat(length) }) }`

async function inUse(): Promise<number> {
  await collectAll()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('memory does not grow with floods of lines and progress, huge errors, and inputs that are refused', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'floods.mjs')
  await writeFile(module, FLOODS)
  const floods = { lines: 50_000, longLines: 100, progress: 5000, huge: 8 * MB }
  const names = Object.keys(floods) as (keyof typeof floods)[]
  const queue = await JobQueue.open(join(directory, 'jobs'), {
    workers: Object.fromEntries(names.map((name) => [name, { module, export: name }])),
    maxWorkers: 1,
    attempts: 1,
    durability: 'process',
    keep: { completed: { count: 0 }, failed: { count: 0 } },
    maxJobBytes: MB,
  })
  t.after(() => queue.close({ timeout: 0 }))
  const tooLarge = 'x'.repeat(2 * MB)
  const round = async () => {
    for (const name of names)
      await (await queue.enqueue(name, floods[name])).finished().catch((error: Error) => {
        assert.equal(name, 'huge')
        assert.ok(error.message.length < MB)
      })
    for (let count = 0; count < 200; count++)
      await assert.rejects(queue.enqueue('huge', tooLarge), { code: 'MILLRACE_TOO_LARGE' })
  }
  // Threads and encoders keep buffers of their own, whatever comes later.
  await round()
  await round()
  const before = await inUse()
  for (let count = 0; count < 3; count++) await round()
  const grown = (await inUse()) - before
  assert.ok(grown < MOST_GROWN, `${grown} bytes`)
})
