import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { JobQueue } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { runScript } from '../../support/script.js'

/** Notes its input's number, then does what the input says. */
const MODULE = `
  import { appendFileSync } from 'node:fs'
  const file = new URL('ran', import.meta.url)
  export default ({ n, deed }, job) => {
    if (n !== undefined) appendFileSync(file, n + '\\n')
    if (deed === 'exit') process.exit(3)
    if (deed === 'reject') void Promise.reject(new Error('nobody awaits this'))
    if (deed === 'throw') throw new Error('an ordinary error')
    if (deed === 'block') {
      job.log('blocking')
      for (;;);
    }
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
    first.toSorted((a, b) => a - b),
    inputs.map(({ n }) => n),
  )
  // A job of the waybill behind may have started already: it alone is not taken back.
  const overtaken = first.filter((n, index) => n < (first[index - 1] ?? -1))
  assert.ok(overtaken.length <= 1, `${overtaken} ran late`)
})

for (const { deed, code, message, options = {} } of [
  { deed: 'exit', code: 'MILLRACE_THREAD_DIED', message: /exited with code: 3/ },
  { deed: 'reject', code: 'MILLRACE_THREAD_DIED', message: /nobody awaits this/ },
  { deed: 'block', code: 'MILLRACE_TIMEOUT', message: /timeout of 30 ms/, options: { timeout: 30 } },
  { deed: 'throw', code: undefined, message: /an ordinary error/ },
])
  test(`${deed}: of jobs that travel together the culprit alone is charged`, async (t) => {
    const { queue } = await taughtQueue(t)
    queue.pause()
    const mates = Array.from({ length: 20 }, (_, n): Input => ({ n }))
    const before = await queue.enqueueMany('deed', mates)
    const culprit = await queue.enqueue('deed', { deed }, { ...options, attempts: 2 })
    const behind = await queue.enqueueMany('deed', mates)
    const failed = assert.rejects(culprit.finished(), message)
    const outputs = Promise.all([...before, ...behind].map((job) => job.finished()))
    queue.resume()
    await failed
    assert.deepEqual(
      await outputs,
      [...mates, ...mates].map(({ n }) => n),
    )
    const { failures = [] } = (await queue.job(culprit.id)) ?? {}
    assert.deepEqual(
      failures.map((failure) => failure.code),
      [code, code],
    )
    for (const { id } of [...before, ...behind]) {
      const mate = await queue.job(id)
      assert.deepEqual([mate?.attempt, mate?.failures.length], [1, 0])
    }
  })

test('a thread that is terminated from outside is replaced, and what it ran is charged, alone', async (t) => {
  const workers: Worker[] = []
  const note = (worker: Worker) => workers.push(worker)
  process.on('worker', note)
  t.after(() => process.off('worker', note))
  const { queue } = await taughtQueue(t)
  queue.pause()
  const mates = Array.from({ length: 20 }, (_, n): Input => ({ n }))
  const before = await queue.enqueueMany('deed', mates)
  const culprit = await queue.enqueue('deed', { deed: 'block' }, { attempts: 2 })
  const behind = await queue.enqueueMany('deed', mates)
  queue.on('log', () => void workers.at(-1)?.terminate())
  queue.resume()
  await assert.rejects(culprit.finished(), /exited with code: 1/)
  await Promise.all([...before, ...behind].map((job) => job.finished()))
  const { failures = [] } = (await queue.job(culprit.id)) ?? {}
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['MILLRACE_THREAD_DIED', 'MILLRACE_THREAD_DIED'],
  )
  for (const { id } of [...before, ...behind]) {
    const mate = await queue.job(id)
    assert.deepEqual([mate?.attempt, mate?.failures.length], [1, 0])
  }
  assert.ok(workers.length >= 2, `${workers.length} threads were started`)
})

test('an idle thread that is terminated from outside is replaced, and no job notices', async (t) => {
  const workers: Worker[] = []
  const note = (worker: Worker) => workers.push(worker)
  process.on('worker', note)
  t.after(() => process.off('worker', note))
  const { queue } = await taughtQueue(t)
  for (let n = 0; n < 10; n++) {
    await workers.at(-1)?.terminate()
    const job = await queue.enqueue('deed', { n }, { attempts: 1 })
    assert.equal(await job.finished(), n)
  }
  assert.ok(workers.length > 10, `${workers.length} threads were started`)
})

/** What a module may do instead of being loaded. */
const UNLOADABLE = {
  'throws a value that is no error': ['throw null', 0],
  'ends its thread': ['process.exit(3)', 0],
  'throws out of band': [
    'setImmediate(() => { throw new Error("out of band") }); await new Promise(() => {})',
    0,
  ],
  'never comes to an end of its code': ['for (;;);', 50],
  'waits for ever': ['await new Promise((resolve) => setTimeout(resolve, 1e9))', 50],
} as const

for (const [what, [source, loadTimeout]] of Object.entries(UNLOADABLE))
  test(`a module that ${what} when it is loaded fails its job in the end, and others run on`, async (t) => {
    const queue = await JobQueue.open(await temporaryDirectory(t), {
      workers: {
        bad: `data:text/javascript,${encodeURIComponent(`${source}; export default () => 'loaded'`)}`,
        good: 'data:text/javascript,export default (input) => input',
      },
      maxWorkers: 1,
      attempts: 2,
      backoff: 1,
      loadTimeout,
    })
    t.after(() => queue.close({ timeout: 0 }))
    queue.on('error', () => {})
    const bad = await queue.enqueue('bad')
    const good = await queue.enqueueMany('good', [1, 2, 3])
    await assert.rejects(bad.finished(), { code: 'MILLRACE_JOB_FAILED' })
    assert.deepEqual(await Promise.all(good.map((job) => job.finished())), [1, 2, 3])
    const { failures = [] } = (await queue.job(bad.id)) ?? {}
    assert.deepEqual(
      failures.map((failure) => failure.code),
      ['MILLRACE_WORKER_MODULE', 'MILLRACE_WORKER_MODULE'],
    )
    for (const { id } of good) assert.equal((await queue.job(id))?.failures.length, 0)
  })

const LOADING = `
  import { parentPort } from 'node:worker_threads'
  parentPort.postMessage('loading')
  for (;;);`

test('a job whose module is never done loading is cancelled for real', async (t) => {
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: { endless: `data:text/javascript,${encodeURIComponent(LOADING)}` },
    maxWorkers: 1,
  })
  t.after(() => queue.close({ timeout: 0 }))
  const started = once(process, 'worker') as Promise<[Worker]>
  const job = await queue.enqueue('endless')
  const outcome = assert.rejects(job.finished(), { code: 'MILLRACE_JOB_CANCELLED' })
  const [worker] = await started
  const isLoading = new Promise<void>((resolve) => {
    worker.on('message', (message) => message === 'loading' && resolve())
  })
  await isLoading
  assert.equal(await job.cancel(), true)
  await outcome
  while (queue.numWorkers > 0) await new Promise((resolve) => setTimeout(resolve, 5))
})

const ROUNDS = 5

/** Kills many threads in every way, and prints what is left of them when all is at rest. */
const SCRIPT = `
  import { existsSync, readdirSync } from 'node:fs'
  const [directory] = process.argv.slice(2)
  const fixtures = ['add', 'block', 'echo', 'exit', 'fillMemory', 'rejectLater', 'throwLater', 'overflow']
  const workers = Object.fromEntries(fixtures.map((name) => [name, { module: fixture, export: name }]))
  workers.fillMemory.resourceLimits = { maxOldGenerationSizeMb: 16 }
  workers.unloadable = 'data:text/javascript,throw new Error("cannot start")'
  workers.endless = 'data:text/javascript,await new Promise((resolve) => setTimeout(resolve, 1e9))'
  workers.unstartable = 'data:text/javascript,process.exit(3)'
  const threads = []
  process.on('worker', (worker) => threads.push(worker))
  const queue = await JobQueue.open(directory, { workers, maxWorkers: 2, attempts: 1, idleTimeout: 0, loadTimeout: 0, durability: 'process' })
  const eventOf = (name, { id }) => new Promise((resolve) => {
    queue.on(name, function note(job) { if (job.id === id) { queue.off(name, note); resolve() } })
  })
  const startOf = (job) => eventOf('log', job)
  const kill = async () => {
    const jobs = []
    for (const task of ['exit', 'fillMemory', 'rejectLater', 'throwLater', 'overflow', 'unloadable', 'unstartable'])
      jobs.push(await queue.enqueue(task, 3))
    jobs.push(await queue.enqueue('block', undefined, { timeout: 10 }))
    const endless = await queue.enqueue('endless', undefined, { priority: 1 })
    const begun = eventOf('started', endless)
    const cancelled = begun.then(() => endless.cancel())
    const blocked = await queue.enqueue('block', undefined, { priority: 1 })
    await startOf(blocked)
    await Promise.all(jobs.map((job) => job.finished().then(() => console.log(job.task, 'completed'), () => {})))
    await blocked.cancel()
    await cancelled
    await queue.idle()
    queue.pause()
    const terminated = await queue.enqueue('block')
    // Where its thread has run other jobs it runs once more.
    const end = ({ id }) => {
      if (id === terminated.id) for (const thread of threads.splice(0)) void thread.terminate()
    }
    queue.on('log', end)
    queue.resume()
    await terminated.finished().catch(() => {})
    queue.off('log', end)
    await queue.clean({ state: 'failed' })
    await queue.clean({ state: 'cancelled' })
  }
  const atRest = async () => {
    await queue.idle()
    const resources = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    while (resources() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    gc()
    const { heapUsed, external, rss } = process.memoryUsage()
    const files = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
    const threads = existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0
    return { workers: queue.numWorkers, heapMb: (heapUsed + external) / 1e6, rssMb: rss / 1e6, files, threads }
  }
  await kill()
  const first = await atRest()
  for (let round = 0; round < ${ROUNDS}; round++) await kill()
  const last = await atRest()
  console.log(JSON.stringify([first, last]))
  console.log(await (await queue.enqueue('add', { a: 1, b: 2 })).finished())
  await queue.close()`

test('threads that die are replaced, and leave no thread, file or memory behind', async (t) => {
  const directory = await temporaryDirectory(t)
  const { code, stdout, stderr } = await runScript(t, SCRIPT, [directory], ['--expose-gc'])
  assert.equal(code, 0, stderr)
  const [measured = '', sum] = stdout.trimEnd().split('\n')
  const [first, last] = JSON.parse(measured) as Record<
    'workers' | 'heapMb' | 'rssMb' | 'files' | 'threads',
    number
  >[]
  assert.ok(first && last)
  assert.equal(last.workers, 0)
  // Node and the store start a thread or open a file now and then. A way to die that leaves one behind does so each time.
  assert.ok(last.threads < first.threads + ROUNDS && last.files < first.files + ROUNDS, measured)
  assert.ok(last.heapMb < first.heapMb + 10 && last.rssMb < first.rssMb + 100, measured)
  assert.equal(sum, '3')
})
