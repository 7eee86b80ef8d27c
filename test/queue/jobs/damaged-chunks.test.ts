/** Small jobs that came in, or completed, together share an entry on disk. What is damaged in one must not pass in silence. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { JobQueue } from '../../../src/index.js'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { allJobs } from '../../support/all-jobs.js'
import { temporaryDirectory } from '../../support/directory.js'
import { inspect } from '../../support/inspect.js'
import { openQueue } from '../../support/queue.js'
import { claimNext, levelOptions, newJob } from '../../support/store.js'

const INPUTS = Array.from({ length: 30 }, (_, index) => `job ${index}.`)
const REFUSED = { code: 'MILLRACE_CORRUPT', message: /jobs cannot be read.*JobQueue\.repair\(\)/ }

/** A closed queue: 30 jobs came in together, of which some have completed, together too. */
async function closedQueue(t: TestContext, completed: number): Promise<string> {
  const directory = await temporaryDirectory(t)
  const first = await openQueue(t, { directory, maxWorkers: 0 })
  await first.enqueueMany('echo', INPUTS)
  await first.close()
  const { store } = await LevelStore.open(directory, levelOptions({}))
  const claimed = await claimNext(store, completed)
  await store.settle(
    claimed.map((job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 }) as const),
  )
  await store.close()
  return directory
}

/** Changes one bit of the one entry under this prefix. */
async function flipIn(directory: string, prefix: string, byte: (value: Buffer) => number): Promise<void> {
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const entries = (await db.iterator().all()).filter(([key]) => key[0] === prefix.charCodeAt(0))
  const [[key, value] = assert.fail(`nothing under ${prefix}`), another] = entries
  assert.equal(another, undefined)
  const at = byte(value)
  value[at] = (value[at] ?? 0) ^ 4
  await db.put(key, value)
  await db.close()
}

const numberOfJobs = (value: Buffer) => value.length - 1

test('a changed bit in the input of one of many fails that one, and the others run', async (t) => {
  const directory = await closedQueue(t, 0)
  await flipIn(directory, 'g', (value) => value.indexOf('job 7.'))
  const queue = await openQueue(t, { directory })
  await queue.idle()
  const jobs = await allJobs(queue)
  const failed = jobs.filter(({ state }) => state === 'failed')
  assert.deepEqual(
    failed.map(({ failures, attempt }) => [failures[0]?.code, attempt]),
    [['MILLRACE_DAMAGED', 1]],
  )
  assert.deepEqual(
    jobs.filter(({ state }) => state === 'completed').map(({ output }) => output),
    INPUTS.filter((input) => input !== 'job 7.'),
  )
})

test('a changed bit in the output of one of many that completed is that one’s alone', async (t) => {
  const directory = await closedQueue(t, 20)
  await flipIn(directory, 'o', (value) => value.indexOf('job 7.'))
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const outputs = (await queue.jobs({ state: 'completed' })).map((job) => {
    try {
      return job.output
    } catch (error) {
      return (error as { code?: string }).code
    }
  })
  assert.deepEqual(
    outputs,
    INPUTS.slice(0, 20).map((input) => (input === 'job 7.' ? 'MILLRACE_DAMAGED' : input)),
  )
})

test('waiting jobs that cannot be told apart any more are named by opening, and dropped by a repair', async (t) => {
  const directory = await closedQueue(t, 20)
  await flipIn(directory, 'g', numberOfJobs)
  await assert.rejects(openQueue(t, { directory }), REFUSED)
  const { jobs, dropped } = await JobQueue.repair(directory)
  assert.deepEqual([jobs.waiting, jobs.completed, dropped], [0, 20, 1])
  assert.deepEqual((await inspect(directory)).problems, [])
  assert.equal((await allJobs(await openQueue(t, { directory }))).length, 20)
})

test('when it is not known who has left, opening says so; a repair has those run that are nowhere else', async (t) => {
  const directory = await closedQueue(t, 20)
  await flipIn(directory, 'h', (value) => value.length - 1)
  await assert.rejects(openQueue(t, { directory }), REFUSED)
  const { jobs, dropped } = await JobQueue.repair(directory)
  assert.deepEqual([jobs.waiting, jobs.completed, dropped], [10, 20, 1])
  assert.deepEqual((await inspect(directory)).problems, [])
})

test('completed jobs that cannot be told apart any more are named when they are listed, and dropped by a repair', async (t) => {
  const directory = await closedQueue(t, 20)
  await flipIn(directory, 'o', numberOfJobs)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await assert.rejects(queue.jobs(), REFUSED)
  assert.equal((await queue.jobs({ state: 'waiting' })).length, 10, 'the others are listed')
  await queue.close()
  const { jobs, dropped } = await JobQueue.repair(directory)
  assert.deepEqual([jobs.waiting, jobs.completed, dropped], [10, 0, 1])
  assert.deepEqual((await inspect(directory)).problems, [])
})

test('completed jobs that cannot be told apart when some of them are to be pruned are an error of the queue', async (t) => {
  const directory = await closedQueue(t, 20)
  await flipIn(directory, 'o', numberOfJobs)
  const queue = await openQueue(t, { directory, maxWorkers: 1, keep: { completed: { count: 15 } } })
  const [error] = await once(queue, 'error')
  assert.equal(error.code, 'MILLRACE_CORRUPT')
})

test('jobs that are removed together with one that cannot be told apart any more are removed', async (t) => {
  const directory = await closedQueue(t, 20)
  const whole = await LevelStore.open(directory, levelOptions({}))
  const other = whole.store.lane('another task')
  await whole.store.add([newJob(other, 'first'), newJob(other, 'second')])
  const places = (await whole.store.list({ limit: 100 })).map(({ place }) => place)
  await whole.store.close()
  await flipIn(directory, 'o', numberOfJobs)
  const { store } = await LevelStore.open(directory, levelOptions({}))
  t.after(() => store.close())
  const removed = await Promise.allSettled(places.map((place) => store.changeOne(place, { verb: 'remove' })))
  const answers = removed.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))
  assert.deepEqual(answers.slice(0, 20), Array(20).fill('MILLRACE_CORRUPT'))
  assert.deepEqual(answers.slice(-2), [true, true])
})
