import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue, type QueueOptions } from '../../src/index.js'
import type { ThreadSetup } from '../../src/worker.js'
import { temporaryDirectory } from '../support/directory.js'

const WORKER = `
  import { threadId } from 'node:worker_threads'
  export default (input) => ({ input, threadId, ready: globalThis.ready })
  export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms))
  export const block = (input, job) => { job.log('blocking'); for (;;); }
  export const exit = () => process.exit(3)`

/** Notes lines in a file, named `note`. */
const NOTE = (file: string) => `
  import { appendFileSync, existsSync } from 'node:fs'
  const note = (line) => appendFileSync(${JSON.stringify(file)}, line + '\\n')`

interface Opened {
  readonly queue: JobQueue
  readonly directory: string
  readonly told: Error[]
  /** The lines that the setup has noted. */
  noted(): Promise<string[]>
}

async function openSetup(
  t: TestContext,
  setup: (directory: string) => string,
  options: Partial<QueueOptions> = {},
): Promise<Opened> {
  const directory = await temporaryDirectory(t)
  const [module, file, worker] = ['setup.mjs', 'noted', 'worker.mjs'].map((name) => join(directory, name))
  await writeFile(worker as string, WORKER)
  await writeFile(module as string, `${NOTE(file as string)}\n${setup(directory)}`)
  const of = (name: string) => ({ module: worker as string, export: name })
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { work: of('default'), wait: of('wait'), block: of('block'), exit: of('exit') },
    setup: module as string,
    maxWorkers: 1,
    attempts: 1,
    ...options,
  } as QueueOptions)
  t.after(() => queue.close({ timeout: 0 }))
  const told: Error[] = []
  queue.on('error', (error) => told.push(error))
  const noted = async () =>
    existsSync(file as string) ? (await readFile(file as string, 'utf8')).trim().split('\n') : []
  return { queue, directory, told, noted }
}

const run = async (queue: JobQueue, task = 'work', input: unknown = 1) =>
  (await queue.enqueue(task, input)).finished() as Promise<{
    input: unknown
    threadId: number
    ready: unknown
  }>

/** Until something is so that no event tells. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

const ASYNC = `
  export default async () => {
    note('begun')
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.ready = true
    return async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      note('ended')
    }
  }`

test('a setup is awaited before the first job, runs once in a thread, and its end is awaited when the queue closes', async (t) => {
  const { queue, told, noted } = await openSetup(t, () => ASYNC)
  for (const input of [1, 2, 3]) {
    const output = await run(queue, 'work', input)
    assert.deepEqual([output.input, output.ready], [input, true])
  }
  assert.deepEqual(await noted(), ['begun'])
  await queue.close()
  assert.deepEqual(await noted(), ['begun', 'ended'])
  assert.deepEqual(told, [])
})

test('the export of a setup is chosen as that of a worker module is', async (t) => {
  const { queue, directory } = await openSetup(
    t,
    () => 'export const prepare = () => { globalThis.ready = 7 }',
  )
  await queue.close()
  const other = await JobQueue.open(join(directory, 'queue'), {
    workers: { work: join(directory, 'worker.mjs') },
    setup: { module: join(directory, 'setup.mjs'), export: 'prepare' },
  })
  t.after(() => other.close())
  assert.equal((await run(other)).ready, 7)
})

test('the end of a setup is called when its thread was idle for idleTimeout', async (t) => {
  const { queue, noted } = await openSetup(t, () => ASYNC, { idleTimeout: 20 })
  const { threadId } = await run(queue)
  await until(async () => (await noted()).includes('ended'))
  assert.notEqual((await run(queue)).threadId, threadId)
})

test('a queue that closes awaits the end of a thread that was about to end already', async (t) => {
  const slow = `export default () => async () => {
    note('ending')
    await new Promise((resolve) => setTimeout(resolve, 200))
    note('ended')
  }`
  const { queue, noted } = await openSetup(t, () => slow, { idleTimeout: 1 })
  await run(queue)
  await until(async () => (await noted()).includes('ending'))
  await queue.close()
  assert.deepEqual(await noted(), ['ending', 'ended'])
})

test('the end of a setup is not called in a thread that is stopped in a job, or dies', async (t) => {
  const { queue, noted } = await openSetup(
    t,
    () => "export default () => { note('begun'); return () => note('ended') }",
  )
  const job = await queue.enqueue('block')
  await once(queue, 'log')
  await queue.cancel(job.id)
  await run(queue, 'exit').catch(() => {})
  await run(queue)
  assert.deepEqual(await noted(), ['begun', 'begun', 'begun'])
  await queue.close()
  assert.deepEqual(await noted(), ['begun', 'begun', 'begun', 'ended'])
})

test('the end of a setup may take as long as abortGrace, and what it throws is told', async (t) => {
  for (const [end, why] of [
    [
      'new Promise(() => setInterval(() => {}, 1000))',
      /end of its thread failed: it took longer than 100 ms \(abortGrace\)/,
    ],
    ['{ for (;;); }', /end of its thread failed: it took longer than 100 ms/],
    ["Promise.reject(new Error('no goodbye'))", /end of its thread failed: no goodbye/],
  ] as const) {
    const { queue, told } = await openSetup(t, () => `export default () => () => ${end}`, { abortGrace: 100 })
    await run(queue)
    await queue.close()
    assert.deepEqual(
      told.map((error) => (error as { code?: string }).code),
      ['MILLRACE_WORKER_MODULE'],
    )
    assert.match(String(told[0]?.message), why)
  }
})

const WRAPS = `
  import { AsyncLocalStorage } from 'node:async_hooks'
  export default () => ({
    before: 'before',
    async wrap(run, job) {
      job.log([this.before, job.task].join(' '))
      const output = await run()
      if (output.input === 'refused') throw new RangeError('refused by wrap')
      return { ...output, wrapped: job.attempt }
    },
    end: () => note('ended'),
  })`

test('a setup may wrap each run, and change or refuse its output', async (t) => {
  const { queue, noted } = await openSetup(t, () => WRAPS)
  const lines: string[] = []
  queue.on('log', (_job, text) => lines.push(text))
  const { threadId: _thread, ...output } = await run(queue, 'work', 4)
  assert.deepEqual(output, { input: 4, ready: undefined, wrapped: 1 })
  await assert.rejects(run(queue, 'work', 'refused'), /refused by wrap/)
  assert.deepEqual(lines, ['before work', 'before work'])
  await queue.close()
  assert.deepEqual(await noted(), ['ended'])
})

/** A setup that fails until a file is there. */
const FAILS: Record<string, (file: string) => string> = {
  'does not load': (file) => `import ${JSON.stringify(`file://${file}`)}\nexport default () => {}`,
  throws: (file) =>
    `export default () => { if (!existsSync(${JSON.stringify(file)})) throw new Error('no database') }`,
  exits: (file) => `export default () => { if (!existsSync(${JSON.stringify(file)})) process.exit(3) }`,
  'returns what is no hook': (file) =>
    `export default () => (existsSync(${JSON.stringify(file)}) ? null : { wrap: 1 })`,
}

for (const [how, setup] of Object.entries(FAILS))
  test(`while a setup ${how}, jobs wait uncharged, and it is told`, async (t) => {
    const { queue, directory, told } = await openSetup(t, (dir) => setup(join(dir, 'there.mjs')))
    const jobs = await queue.enqueueMany('work', [1, 2])
    await once(queue, 'error')
    assert.equal((told[0] as { code?: string }).code, 'MILLRACE_WORKER_MODULE')
    assert.match(String(told[0]?.message), /setup\.mjs.*no job of task "work" starts/s)
    await writeFile(join(directory, 'there.mjs'), '')
    for (const job of jobs) await job.finished()
    for (const { id } of jobs) assert.deepEqual((await queue.job(id))?.failures, [])
  })

test('jobs fail with what the setup throws once it has failed for loadTimeout', async (t) => {
  const { queue } = await openSetup(t, () => "export default () => { throw new Error('no database') }", {
    loadTimeout: 0,
  })
  await assert.rejects(run(queue), /the setup file:.*setup\.mjs failed: no database/)
})

test('a setup that hangs is given up after loadTimeout, and its job can be cancelled before', async (t) => {
  const { queue, told } = await openSetup(
    t,
    () => 'export default () => new Promise((resolve) => setInterval(resolve, 1e6))',
    {
      loadTimeout: 100,
    },
  )
  await assert.rejects(run(queue), /took longer than 100 ms/)
  assert.equal(told.length, 1)
  const { queue: other, noted } = await openSetup(
    t,
    () => "note('begun'); export default () => { for (;;); }",
  )
  const job = await other.enqueue('work')
  await until(async () => (await noted()).length > 0)
  assert.equal(await other.cancel(job.id), true)
  assert.equal((await other.job(job.id))?.state, 'cancelled')
})

test('every form of a setup has its type', () => {
  const forms: ThreadSetup[] = [
    () => {},
    async () => {},
    () => () => 7,
    async () => async () => {},
    () => ({ wrap: (run, job) => [job.id, run()] }),
    async () => ({ wrap: (run) => run(), end: async () => {} }),
    // @ts-expect-error no hook
    () => ({ wrap: 1 }),
    // @ts-expect-error no hook
    () => 7,
  ]
  assert.equal(forms.length, 8)
})

test('a setup that is no module, or whose file is missing, is refused by open', async (t) => {
  const directory = await temporaryDirectory(t)
  const open = (setup: unknown) => JobQueue.open(directory, { workers: {}, setup } as QueueOptions)
  await assert.rejects(
    open(() => {}),
    { code: 'MILLRACE_WORKER_MODULE', message: /^setup is a function/ },
  )
  await assert.rejects(open(join(directory, 'none.mjs')), {
    code: 'MILLRACE_WORKER_MODULE',
    message: /^setup: there is no/,
  })
  await assert.rejects(open({ module: 'x', export: 1 }), {
    code: 'MILLRACE_OPTION',
    message: /^setup\.export/,
  })
})
