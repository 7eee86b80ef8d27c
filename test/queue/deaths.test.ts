import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'

/** Notes its input's number, then does what the input says. */
const MODULE = `
  import { appendFileSync } from 'node:fs'
  const file = new URL('ran', import.meta.url)
  export default ({ n, deed }) => {
    if (n !== undefined) appendFileSync(file, n + '\\n')
    if (deed === 'exit') process.exit(3)
    if (deed === 'reject') void Promise.reject(new Error('nobody awaits this'))
    if (deed === 'throw') throw new Error('an ordinary error')
    if (deed === 'block') for (;;);
    return n
  }`

interface Input {
  n?: number
  deed?: string
}

/** A queue with one worker, that has learned that its jobs are short and lets them travel together. */
async function taughtQueue(t: TestContext) {
  const base = await temporaryDirectory(t)
  const module = join(base, 'deeds.mjs')
  await writeFile(module, MODULE)
  const queue = await JobQueue.open<{ deed(input: Input): number }>(join(base, 'queue'), {
    workers: { deed: module },
    maxWorkers: 1,
    backoff: 1,
  })
  t.after(() => queue.close({ timeout: 0 }))
  await Promise.all((await queue.enqueueMany('deed', new Array(2000).fill({}))).map((job) => job.finished()))
  const ran = async () => (await readFile(join(base, 'ran'), 'utf8')).trimEnd().split('\n').map(Number)
  return { queue, ran }
}

test('jobs that come back from a thread that ended run before the ones behind them', async (t) => {
  const { queue, ran } = await taughtQueue(t)
  queue.pause()
  const inputs = Array.from({ length: 3000 }, (_, n): Input => (n === 3 ? { n, deed: 'exit' } : { n }))
  await queue.enqueueMany('deed', inputs, { attempts: 1 })
  queue.resume()
  await queue.idle()
  // Those before the culprit may run twice: their results went down with the thread.
  const first = [...new Set(await ran())]
  assert.deepEqual(
    first,
    inputs.map(({ n }) => n),
  )
})
