import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JobQueue } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'

const TALKATIVE = `data:text/javascript,${encodeURIComponent(`export default (_input, job) => {
  job.log('hello')
  job.progress(1)
  job.progress(2)
  job.log('goodbye')
}`)}`

/** Keeps this thread from hearing anything, as busy applications do. */
function beBusy(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('what a job says just before it ends is heard, and before its outcome, however busy the main thread is', async (t) => {
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: { talk: TALKATIVE },
    maxWorkers: 1,
  })
  t.after(() => queue.close())
  let heard: unknown[] = []
  queue.on('log', (_job, text) => heard.push(text))
  queue.on('progress', (_job, value) => heard.push(value))
  queue.on('completed', () => heard.push('completed'))
  for (let round = 0; round < 100; round++) {
    heard = []
    const job = await queue.enqueue('talk')
    const finished = job.finished()
    setTimeout(beBusy, 1, 4)
    await finished
    assert.equal(heard.at(-1), 'completed')
    assert.deepEqual(new Set(heard), new Set(['hello', 1, 2, 'goodbye', 'completed']))
  }
})
