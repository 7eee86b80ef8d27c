import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

/** A module that cannot be loaded until a file is there. */
const FORMS: Record<string, (file: string) => string> = {
  'throws.mjs': (file) => `
    import { existsSync } from 'node:fs'
    if (!existsSync(${JSON.stringify(file)})) throw new Error('DATABASE_URL is not set')
    export default (input) => input`,
  'requires.cjs': (file) => `
    require(${JSON.stringify(file)})
    module.exports = (input) => input`,
  'imports.mjs': (file) => `
    import ${JSON.stringify(`file://${file}`)}
    export default (input) => input`,
  'exits.mjs': (file) => `
    import { existsSync } from 'node:fs'
    if (!existsSync(${JSON.stringify(file)})) process.exit(3)
    export default (input) => input`,
}

async function openUnloadable(t: TestContext, name: string, loadTimeout?: number) {
  const directory = await temporaryDirectory(t)
  const module = join(directory, name)
  const file = join(directory, 'there.cjs')
  await writeFile(module, FORMS[name]?.(file) ?? '')
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { late: module, good: 'data:text/javascript,export default (input) => input' },
    maxWorkers: 2,
    attempts: 1,
    ...(loadTimeout !== undefined && { loadTimeout }),
  })
  t.after(() => queue.close({ timeout: 0 }))
  const told: Error[] = []
  queue.on('error', (error) => told.push(error))
  return { queue, file, told }
}

for (const name of Object.keys(FORMS))
  test(`${name}: a task whose module cannot be loaded is held, uncharged, and runs once it can be`, async (t) => {
    const { queue, file, told } = await openUnloadable(t, name)
    const late = await queue.enqueueMany('late', [1, 2, 3])
    await new Promise((resolve) => queue.once('error', resolve))
    const good = await queue.enqueueMany('good', [4, 5, 6])
    assert.deepEqual(await Promise.all(good.map((job) => job.finished())), [4, 5, 6])
    await writeFile(file, '')
    assert.deepEqual(await Promise.all(late.map((job) => job.finished())), [1, 2, 3])
    for (const { id } of late) assert.deepEqual((await queue.job(id))?.failures, [])
    assert.ok(
      told.every(({ message }) => message.includes(name) && message.includes('no job of task "late" starts')),
    )
    assert.equal((told[0] as { code?: string }).code, 'MILLRACE_WORKER_MODULE')
  })

test('jobs of a module that cannot be loaded for loadTimeout fail with what it throws, and run later on', async (t) => {
  const { queue, file, told } = await openUnloadable(t, 'throws.mjs', 250)
  const jobs = await queue.enqueueMany('late', [1, 2])
  const outcomes = await Promise.allSettled(jobs.map((job) => job.finished()))
  for (const outcome of outcomes)
    assert.match(String(outcome.status === 'rejected' && outcome.reason), /DATABASE_URL is not set/)
  assert.equal(told.length, 1)
  await writeFile(file, '')
  assert.equal(await (await queue.enqueue('late', 3)).finished(), 3)
  await rm(file)
  assert.equal(await (await queue.enqueue('late', 4)).finished(), 4)
})

test('a timeout does not count the loading of a module', async (t) => {
  const slow = `await new Promise((resolve) => setTimeout(resolve, 400)); export default () => 'loaded'`
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: { slow: `data:text/javascript,${encodeURIComponent(slow)}` },
    attempts: 1,
  })
  t.after(() => queue.close({ timeout: 0 }))
  assert.equal(await (await queue.enqueue('slow', 1, { timeout: 100 })).finished(), 'loaded')
})

const ECHOES = `
  const [directory, workers] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, {
    workers: { wait: 'data:text/javascript,export default (ms) => new Promise((r) => setTimeout(r, ms, ms))' },
    maxWorkers: Number(workers), attempts: 1,
  })
  const told = []
  queue.on('error', ({ code, message }) => told.push(code + ' ' + message))
  const jobs = await queue.enqueueMany('wait', new Array(40).fill(50))`

test('where the system starts fewer threads than may run, jobs run on those that there are', async (t) => {
  // As it is under `ulimit -u`, which does not hold for root.
  const script = `
    import { createRequire } from 'node:module'
    const threads = createRequire(import.meta.url)('node:worker_threads')
    let live = 0
    let refused = 0
    threads.Worker = class extends threads.Worker {
      constructor(...args) {
        if (live >= 4) {
          refused++
          throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
        }
        super(...args)
        live++
        this.once('exit', () => live--)
      }
    }
    ${ECHOES}
    let busiest = 0
    queue.on('started', () => { busiest = Math.max(busiest, queue.numWorkers) })
    await Promise.all(jobs.map((job) => job.finished()))
    console.log(told.length, told[0].includes('EAGAIN): lower maxWorkers'), busiest, refused < 20)
    await queue.close()`
  const { code, stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t), '30'])
  assert.equal(code, 0, stderr)
  assert.equal(stdout, '1 true 4 true\n', stderr)
})

test('without the permission to start threads nothing is charged, and what helps is said', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${ECHOES}
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const [job] = await queue.jobs()
    console.log(told[0].startsWith('MILLRACE_THREAD_START'), told[0].includes('--allow-worker'), job.state, job.failures.length)
    await queue.close()`
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  const { stdout, stderr } = await runScript(
    t,
    script,
    [join(directory, 'queue'), '2'],
    [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-addons'],
  )
  assert.equal(stdout, 'true true waiting 0\n', stderr)
})
