import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue, type TaskOptions } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'
import { runScript } from '../../support/script.js'

const DEATHS: [
  task: 'exit' | 'rejectLater' | 'throwLater' | 'fillMemory',
  message: RegExp,
  options?: TaskOptions,
][] = [
  ['exit', /exited with code: 3/],
  ['rejectLater', /nobody awaits this/],
  ['throwLater', /thrown out of band/],
  ['fillMemory', /out of memory|memory limit/i, { resourceLimits: { maxOldGenerationSizeMb: 16 } }],
]

for (const [task, message, options = {}] of DEATHS)
  test(`${task}: a thread that dies is charged to its job alone, and replaced`, async (t) => {
    const queue = await openQueue(t, { perTask: { [task]: options } })
    const mates = await queue.enqueueMany('echo', [1, 2, 3])
    const job = await queue.enqueue(task as 'exit', 3, { attempts: 2 })
    const others = await queue.enqueueMany('echo', [4, 5, 6])
    await assert.rejects(job.finished(), message)
    const { failures = [] } = (await queue.job(job.id)) ?? {}
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['MILLRACE_THREAD_DIED', 'MILLRACE_THREAD_DIED'],
    )
    const outputs = await Promise.all([...mates, ...others].map((mate) => mate.finished()))
    assert.deepEqual(outputs, [1, 2, 3, 4, 5, 6])
    assert.equal(await (await queue.enqueue('add', { a: 1, b: 2 })).finished(), 3)
  })

for (const [task] of DEATHS.slice(0, 2))
  test(`${task}: of jobs that travel together only the one that ends the thread is charged`, async (t) => {
    const queue = await openQueue(t, { maxWorkers: 1 })
    const module = join(await temporaryDirectory(t), 'mixed.mjs')
    await writeFile(
      module,
      `export default (input) => {
        if (input === 'exit') process.exit(3)
        if (input === 'rejectLater') void Promise.reject(new Error('nobody awaits this'))
        return input
      }`,
    )
    const mixed = await JobQueue.open(await temporaryDirectory(t), {
      workers: { mixed: module },
      maxWorkers: 1,
      backoff: 1,
    })
    t.after(() => mixed.close({ timeout: 0 }))
    await Promise.all(
      (await mixed.enqueueMany('mixed', new Array(2000).fill(0))).map((job) => job.finished()),
    )
    mixed.pause()
    const jobs = await mixed.enqueueMany('mixed', [1, 2, 3, task, 4, 5, 6], { attempts: 2 })
    const outcomes = jobs.map((job) => job.finished().catch((error: { code: string }) => error.code))
    mixed.resume()
    assert.deepEqual(await Promise.all(outcomes), [1, 2, 3, 'MILLRACE_JOB_FAILED', 4, 5, 6])
    const charged = await Promise.all(jobs.map(async ({ id }) => (await mixed.job(id))?.failures.length))
    assert.deepEqual(charged, [0, 0, 0, 2, 0, 0, 0])
    assert.equal(queue.counts().waiting, 0)
  })

test('a stack overflow is an ordinary failure', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('overflow', undefined, { attempts: 1 })
  await assert.rejects(job.finished(), /Maximum call stack size exceeded/)
})

test('a task with memory limits shares maxWorkers with the others', async (t) => {
  const queue = await openQueue(t, {
    maxWorkers: 1,
    perTask: { add: { resourceLimits: { maxOldGenerationSizeMb: 64 } } },
  })
  let most = 0
  queue.on('started', () => {
    most = Math.max(most, queue.numWorkers)
  })
  const jobs = [
    ...(await queue.enqueueMany('add', new Array(20).fill({ a: 1, b: 1 }))),
    ...(await queue.enqueueMany('echo', new Array(20).fill(2))),
  ]
  assert.deepEqual(await Promise.all(jobs.map((job) => job.finished())), new Array(40).fill(2))
  assert.equal(most, 1)
})

test('threads that end while they start up are no fault of a job, and are not started over and over', async (t) => {
  const preload = `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) process.exit(3)`
  const script = `
    const [directory] = process.argv.slice(2)
    let threads = 0
    process.on('worker', () => threads++)
    const workers = { add: { module: fixture, export: 'add', attempts: 1 } }
    const queue = await JobQueue.open(directory, { workers, maxWorkers: 1 })
    const told = []
    queue.on('error', ({ code }) => told.push(code))
    const job = await queue.enqueue('add', { a: 1, b: 1 })
    while (threads < 3) await new Promise((resolve) => setTimeout(resolve, 10))
    await queue.close()
    const reopened = await JobQueue.open(directory, { workers, maxWorkers: 0 })
    const { state, failures } = await reopened.job(job.id)
    console.log(told.join(), state, failures.length)
    await reopened.close()`
  const { stdout, stderr } = await runScript(
    t,
    script,
    [await temporaryDirectory(t)],
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`],
  )
  assert.equal(stdout, 'MILLRACE_THREAD_START waiting 0\n', stderr)
})

test('memory limits with which no thread could start are refused', async (t) => {
  for (const resourceLimits of [
    { maxOldGenerationSizeMb: 4 },
    { stackSizeMb: 0.1 },
    { stackSizeMb: 1e9 },
    { codeRangeSizeMb: 1e9 },
    { heap: 100 },
  ])
    await assert.rejects(openQueue(t, { perTask: { add: { resourceLimits } } }), { code: 'MILLRACE_OPTION' })
})

test('a module that throws while it is loaded fails the job with its path and reason', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'broken.mjs')
  await writeFile(module, 'throw new Error("cannot start")')
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { broken: module },
    attempts: 2,
    backoff: 1,
    loadTimeout: 0,
  })
  t.after(() => queue.close())
  const job = await queue.enqueue('broken', 1)
  await assert.rejects(job.finished(), /broken\.mjs.*cannot start/)
  assert.equal((await queue.job(job.id))?.failures[0]?.code, 'MILLRACE_WORKER_MODULE')
})

test('a module that never finishes loading runs into loadTimeout', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'endless.mjs')
  await writeFile(module, 'await new Promise(() => setInterval(() => {}, 1000))')
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { endless: module },
    attempts: 1,
    loadTimeout: 100,
  })
  t.after(() => queue.close())
  queue.on('error', () => {})
  await assert.rejects((await queue.enqueue('endless', 1)).finished(), /endless\.mjs took longer than 100 ms/)
})

test('a module without the export fails the job and lists what it has', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'other.mjs')
  await writeFile(module, 'export const one = 1; export function two() {}')
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { other: { module, export: 'three' } },
    attempts: 1,
    loadTimeout: 0,
  })
  t.after(() => queue.close())
  await assert.rejects(
    (await queue.enqueue('other', 1)).finished(),
    /other\.mjs has no function as its export "three", it has one, two/,
  )
})

test('CommonJS modules run: a function, a default property, a named export; and data: URLs', async (t) => {
  const directory = await temporaryDirectory(t)
  const files = {
    plain: 'module.exports = (x) => x + 1',
    transpiled:
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = (x) => x + 2',
    named: 'exports.work = (x) => x + 3',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, `${name}.cjs`), text)
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: {
      plain: join(directory, 'plain.cjs'),
      transpiled: join(directory, 'transpiled.cjs'),
      named: { module: join(directory, 'named.cjs'), export: 'work' },
      data: 'data:text/javascript,export default (x) => x + 4',
    },
  })
  t.after(() => queue.close())
  const outputs = []
  for (const task of ['plain', 'transpiled', 'named', 'data'] as const)
    outputs.push(await (await queue.enqueue(task, 0)).finished())
  assert.deepEqual(outputs, [1, 2, 3, 4])
})

test('a worker factory chooses the module and its export by the job', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'm.mjs'), 'export default () => "default"; export const big = () => "big"')
  const seen: unknown[] = []
  const queue = await JobQueue.open(join(directory, 'queue'), {
    attempts: 1,
    workers: (job) => {
      seen.push([job.task, job.attempt, job.priority])
      if (job.task === 'none') return (() => {}) as unknown as string
      const { size } = (job.meta ?? {}) as { size?: string }
      return size ? { module: join(directory, 'm.mjs'), export: size } : join(directory, 'm.mjs')
    },
    tasks: { any: { concurrency: 1 } },
  })
  t.after(() => queue.close())
  assert.equal(await (await queue.enqueue('any')).finished(), 'default')
  assert.equal(
    await (await queue.enqueue('any', 1, { meta: { size: 'big' }, priority: 4 })).finished(),
    'big',
  )
  await assert.rejects((await queue.enqueue('none')).finished(), /a function cannot travel to another thread/)
  assert.deepEqual(seen, [
    ['any', 1, 0],
    ['any', 1, 4],
    ['none', 1, 0],
  ])
})

test('threads that are idle end, and new ones come when there is work', async (t) => {
  const queue = await openQueue(t, { idleTimeout: 10, maxWorkers: 2 })
  const first = (await (await queue.enqueue('where')).finished()) as { threadId: number }
  let next = first.threadId
  while (next === first.threadId) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    next = ((await (await queue.enqueue('where')).finished()) as { threadId: number }).threadId
  }
  assert.notEqual(next, first.threadId)
})

test('what started is said once for each attempt, before it ends', async (t) => {
  const queue = await openQueue(t)
  const said: string[] = []
  queue.on('started', ({ id }) => said.push(`started ${id}`))
  queue.on('finished', ({ id }) => said.push(`finished ${id}`))
  const jobs = await queue.enqueueMany('echo', new Array(300).fill(1))
  await Promise.all([once(queue, 'idle'), ...jobs.map((job) => job.finished())])
  for (const { id } of jobs) {
    assert.equal(said.filter((line) => line === `started ${id}`).length, 1)
    assert.ok(said.indexOf(`started ${id}`) < said.indexOf(`finished ${id}`))
  }
})
