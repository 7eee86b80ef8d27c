/** A queue at work in a process of its own, beneath which something happens to the directory. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { openQueue, type TestQueue } from '../support/queue.js'
import { runScript } from '../support/script.js'

/** Runs a job, lets the trouble happen, and enqueues until it is refused. Then it tries everything else, and closes. */
const script = (trouble: string) => `
  import fs from 'node:fs'
  import { join } from 'node:path'
  const [directory] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, { workers: { echo: { module: fixture, export: 'echo' } } })
  const errors = []
  queue.on('error', ({ code }) => errors.push(code))
  await (await queue.enqueue('echo', 'before')).finished()
  queue.setMaxWorkers(0)
  const acknowledged = []
  const earlier = await queue.enqueue('echo', 'first')
  acknowledged.push(earlier.id)
  const finished = earlier.finished().catch(({ code }) => code)
  const idle = queue.idle().catch(({ code }) => code)
  ${trouble}
  let refused
  for (let n = 0; n < 1000 && refused === undefined; n++)
    await queue.enqueue('echo', 'x'.repeat(100_000)).then(({ id }) => acknowledged.push(id), ({ code }) => { refused = code })
  queue.setMaxWorkers(2)
  const later = await Promise.all([
    queue.enqueue('echo', 1), queue.enqueueMany('echo', [1, 2]), earlier.finished(), queue.idle(),
  ].map((call) => call.then(() => 'fulfilled', ({ code }) => code)))
  const said = { refused, finished: await finished, idle: await idle, later, errors, started: queue.numWorkers }
  await queue.close()
  console.log(JSON.stringify({ said, acknowledged }))`

const STORE = 'MILLRACE_STORE'
const STOPPED = {
  refused: STORE,
  finished: STORE,
  idle: STORE,
  later: [STORE, STORE, STORE, STORE],
  errors: [STORE],
  started: 0,
}

/**
 * Has `trouble` (lines of a script that has `fs` and `directory`) befall a queue at work. The queue must stop, say so once, and
 * close. Returns the ids of the jobs that were acknowledged.
 */
export async function stoppedBy(t: TestContext, directory: string, trouble = ''): Promise<string[]> {
  const { stdout, stderr, code } = await runScript(t, script(trouble), [directory])
  assert.equal(code, 0, stderr)
  const { said, acknowledged } = JSON.parse(stdout) as { said: object; acknowledged: string[] }
  assert.deepEqual(said, STOPPED)
  return acknowledged
}

/** Opens the directory, in which every acknowledged job must wait, and runs them. */
export async function runsAll(
  t: TestContext,
  directory: string,
  acknowledged: readonly string[],
): Promise<TestQueue> {
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  for (const id of acknowledged) assert.equal((await queue.job(id))?.state, 'waiting')
  // The one that was refused may be there.
  const { waiting, completed } = queue.counts()
  assert.ok(waiting === acknowledged.length || waiting === acknowledged.length + 1, `${waiting} wait`)
  queue.setMaxWorkers(2)
  await queue.idle()
  assert.equal(queue.counts().completed, completed + waiting)
  return queue
}
