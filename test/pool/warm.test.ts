import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue, type QueueOptions, type TaskOptions } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

const WORKER = `
  import { threadId } from 'node:worker_threads'
  export default () => new Promise((resolve) => setTimeout(resolve, 100, String(threadId)))
  export const exit = () => process.exit(3)`

/** Each thread notes when it begins and when it ends. */
const SETUP = (directory: string, begin = '') => `
  import { appendFileSync, existsSync } from 'node:fs'
  import { threadId } from 'node:worker_threads'
  const note = (line) => appendFileSync(${JSON.stringify(join(directory, 'noted'))}, line + ' ' + threadId + '\\n')
  export default () => {
    ${begin}
    note('begun')
    return () => note('ended')
  }`

async function openWarm(
  t: TestContext,
  options: Partial<QueueOptions>,
  { begin, perTask = {} }: { begin?: (directory: string) => string; perTask?: TaskOptions } = {},
) {
  const directory = await temporaryDirectory(t)
  const [module, setup] = [join(directory, 'worker.mjs'), join(directory, 'setup.mjs')]
  await writeFile(module, WORKER)
  await writeFile(setup, SETUP(directory, begin?.(directory)))
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { work: { module, ...perTask }, exit: { module, export: 'exit', ...perTask } },
    setup,
    maxWorkers: 2,
    minWorkers: 2,
    attempts: 1,
    ...options,
  } as QueueOptions)
  t.after(() => queue.close({ timeout: 0 }))
  // Threads without a job do not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const told: (Error & { code?: string })[] = []
  queue.on('error', (error) => told.push(error))
  /** The ids of the threads that have noted this. */
  const threads = async (what: string) => {
    const file = join(directory, 'noted')
    const lines = existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : []
    return lines.filter((line) => line.startsWith(what)).map((line) => line.split(' ')[1])
  }
  /** Until so many threads have noted this. */
  const until = async (count: number, what: string) => {
    while ((await threads(what)).length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    return (await threads(what)).sort()
  }
  const run = async (count: number) => {
    const jobs = await Promise.all(Array.from({ length: count }, () => queue.enqueue('work')))
    return [...new Set(await Promise.all(jobs.map((job) => job.finished())))].sort()
  }
  return { queue, directory, told, threads, until, run }
}

test('minWorkers threads are set up before there are jobs, and these run on them', async (t) => {
  const { until, run, queue } = await openWarm(t, {})
  const begun = await until(2, 'begun')
  assert.equal(queue.numWorkers, 0)
  assert.deepEqual(await run(2), begun)
})

test('minWorkers threads are kept after idleTimeout, and one that dies is replaced', async (t) => {
  const { queue, threads, until, run } = await openWarm(t, { maxWorkers: 3, idleTimeout: 50 })
  assert.equal((await run(3)).length, 3)
  const ended = await until(1, 'ended')
  const begun = await threads('begun')
  const left = begun.filter((id) => !ended.includes(id)).sort()
  // Another thread comes and goes; those that are kept are as old as before.
  for (const count of [4, 5]) {
    await run(3)
    await until(count - 2, 'ended')
  }
  assert.equal((await threads('begun')).length, 5)
  assert.equal(left.length, 2)
  const exit = await queue.enqueue('exit')
  await assert.rejects(exit.finished())
  assert.ok((await until(6, 'begun')).length >= 6)
})

test('minWorkers threads follow a lower maxWorkers, and come back with it', async (t) => {
  const { queue, until, threads } = await openWarm(t, { idleTimeout: 20 })
  await until(2, 'begun')
  queue.setMaxWorkers(1)
  await until(1, 'ended')
  queue.setMaxWorkers(2)
  await until(3, 'begun')
  queue.setMaxWorkers(0)
  await until(3, 'ended')
  assert.equal((await threads('begun')).length, 3)
})

test('minWorkers threads have the memory limits of the tasks, if every task has some', async (t) => {
  const perTask = { resourceLimits: { maxOldGenerationSizeMb: 64 } }
  const { until, run } = await openWarm(t, {}, { perTask })
  const begun = await until(2, 'begun')
  assert.deepEqual(await run(2), begun)
})

const FAILURES: [begin: string, why: RegExp][] = [
  ["throw new Error('no database')", /failed: no database; a thread that had no job yet was given up/],
  ['process.exit(3)', /exited with code: 3, in its setup .*setup\.mjs; a thread that had no job yet/],
]

for (const [failure, why] of FAILURES)
  test(`minWorkers threads whose setup fails (${failure}) are started again and again, and it is told once`, async (t) => {
    const { directory, told, until, run } = await openWarm(
      t,
      {},
      {
        begin: (dir) => `appendFileSync(${JSON.stringify(join(dir, 'noted'))}, 'tried 0\\n')
          if (!existsSync(${JSON.stringify(join(dir, 'there'))})) ${failure}`,
      },
    )
    await until(6, 'tried')
    await writeFile(join(directory, 'there'), '')
    const begun = await until(2, 'begun')
    assert.equal(told.length, 1)
    assert.equal(told[0]?.code, 'MILLRACE_WORKER_MODULE')
    assert.match(String(told[0]?.message), why)
    assert.deepEqual(await run(2), begun)
  })

test('where no thread can be started, minWorkers threads are tried again later, and it is told', async (t) => {
  const script = `
    import { createRequire } from 'node:module'
    const threads = createRequire(import.meta.url)('node:worker_threads')
    let tries = 0
    threads.Worker = class extends threads.Worker {
      constructor(...args) {
        if (++tries <= 3) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
        super(...args)
        console.log('started at try', tries)
        if (tries === 5) setImmediate(() => queue.close())
      }
    }
    const queue = await JobQueue.open(process.argv[2], { workers: { work: fixture }, maxWorkers: 4, minWorkers: 2 })
    queue.on('error', ({ code }) => console.log(code))`
  const { stdout, stderr, code } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.equal(stdout, 'MILLRACE_THREAD_START\nstarted at try 4\nstarted at try 5\n')
})

test('minWorkers threads do not keep the process alive', async (t) => {
  const directory = await temporaryDirectory(t)
  const setup = join(directory, 'setup.mjs')
  await writeFile(setup, `export default () => { console.log('begun') }`)
  const script = `
    const [directory, setup] = process.argv.slice(2)
    await JobQueue.open(directory, { workers: { work: fixture }, minWorkers: 1, setup })
    // Until the thread has said something.
    const alive = setInterval(() => {}, 1000)
    const { write } = process.stdout
    process.stdout.write = function (...args) {
      clearInterval(alive)
      return write.apply(this, args)
    }`
  const { stdout, code } = await runScript(t, script, [join(directory, 'queue'), setup])
  assert.deepEqual([stdout, code], ['begun\n', 0])
})

test('a wrong minWorkers is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  const open = (options: object) => JobQueue.open(directory, { workers: {}, ...options })
  await assert.rejects(open({ minWorkers: 3, maxWorkers: 2 }), {
    message: 'minWorkers must be an integer from 0 to 2, got 3',
  })
  await assert.rejects(open({ minWorkers: -1 }), {
    message: 'minWorkers must be an integer from 0 to 1024, got -1',
  })
  const queue = await open({ minWorkers: 1000 })
  t.after(() => queue.close())
  assert.equal(queue.maxWorkers, 1000)
  queue.setMaxWorkers(0)
})
