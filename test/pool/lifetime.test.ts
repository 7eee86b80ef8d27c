import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue, type ThreadUncaughtError } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

async function openModule(t: TestContext, source: string, options: object = {}) {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'worker.mjs')
  await writeFile(module, source)
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { work: module, other: { module, export: 'other' } },
    maxWorkers: 1,
    attempts: 1,
    backoff: 1,
    ...options,
  })
  t.after(() => queue.close({ timeout: 0 }))
  return { queue, directory }
}

test('what a job left running goes on while its thread waits for work', async (t) => {
  const { queue, directory } = await openModule(
    t,
    `import { appendFileSync } from 'node:fs'
     export default (file) => { setTimeout(() => appendFileSync(file, 'late'), 20) }`,
  )
  const file = join(directory, 'file')
  await (await queue.enqueue('work', file)).finished()
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(await readFile(file, 'utf8'), 'late')
})

test('an error that an earlier job left behind is not charged to the one that runs', async (t) => {
  const { queue } = await openModule(
    t,
    `export default () => { setTimeout(() => { throw new Error('left behind') }, 50) }
     export const other = () => new Promise((resolve) => setTimeout(resolve, 200, 'through'))`,
  )
  await (await queue.enqueue('work')).finished()
  const job = await queue.enqueue('other')
  assert.equal(await job.finished(), 'through')
  assert.deepEqual((await queue.job(job.id))?.failures, [])
})

test('an error that a job left behind is said if its thread runs no job, and charges nobody', async (t) => {
  const { queue } = await openModule(
    t,
    `export default () => { setTimeout(() => { throw new TypeError('left behind') }, 20) }
     export const other = () => 'through'`,
  )
  // An idle thread does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const said = once(queue, 'error')
  const job = await queue.enqueue('work')
  await job.finished()
  const [error] = (await said) as [ThreadUncaughtError]
  assert.equal(error.code, 'MILLRACE_THREAD_UNCAUGHT')
  assert.match(error.message, /left behind/)
  assert.equal((error.cause as Error).name, 'TypeError')
  assert.equal((await queue.job(job.id))?.state, 'completed')
  assert.equal(await (await queue.enqueue('other')).finished(), 'through')
})

test('a job that ends every thread it runs on is charged, once it has had one of its own', async (t) => {
  const { queue } = await openModule(
    t,
    `import { threadId } from 'node:worker_threads'
     export default (input, job) => { job.log(String(threadId)); process.exit(3) }
     export const other = () => threadId`,
  )
  const before = await (await queue.enqueue('other')).finished()
  const threads: string[] = []
  queue.on('log', (_job, text) => threads.push(text))
  const job = await queue.enqueue('work')
  await assert.rejects(job.finished(), /exited with code: 3/)
  assert.equal(threads.length, 2)
  assert.equal(threads[0], String(before))
  assert.notEqual(threads[1], threads[0])
  assert.equal((await queue.job(job.id))?.failures.length, 1)
})

test('a worker that closes its parentPort and takes away timers harms nobody', async (t) => {
  const { queue } = await openModule(
    t,
    `import { parentPort } from 'node:worker_threads'
     export default (length, job) => {
       parentPort.close()
       for (const name of ['setImmediate', 'setTimeout', 'clearTimeout', 'queueMicrotask', 'Promise']) globalThis[name] = undefined
       process.hrtime = undefined
       job.log('said')
       return 'x'.repeat(length)
     }`,
  )
  const said: string[] = []
  queue.on('log', (_job, text) => said.push(text))
  for (const length of [1, 200_000, 3]) {
    const output = (await (await queue.enqueue('work', length)).finished()) as string
    assert.equal(output.length, length)
  }
  assert.deepEqual(said, ['said', 'said', 'said'])
})

test('all that a job prints before it is stopped arrives, in order', async (t) => {
  const worker = join(await temporaryDirectory(t), 'printer.mjs')
  await writeFile(
    worker,
    `export default (input, job) => {
       for (let line = 1; line <= 5; line++) console.log('line ' + line)
       console.error('to stderr')
       for (;;);
     }`,
  )
  const script = `
    const [directory, worker] = process.argv.slice(2)
    const queue = await JobQueue.open(directory, { workers: { print: worker }, attempts: 1 })
    const job = await queue.enqueue('print', 1, { timeout: 100 })
    await job.finished().catch(({ cause }) => console.log(cause.code))
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t), worker])
  assert.equal(stdout, 'line 1\nline 2\nline 3\nline 4\nline 5\nMILLRACE_TIMEOUT\n')
  assert.equal(stderr, 'to stderr\n')
})

test('a job in native code that cannot be interrupted is settled, and the queue goes on without its thread', async (t) => {
  const { queue, directory } = await openModule(
    t,
    `import { execFileSync } from 'node:child_process'
     const script = 'touch "$0.in"; until [ -e "$0" ]; do sleep 0.05; done'
     export default (file) => { execFileSync('sh', ['-c', script, file]) }
     export const other = (input) => input`,
  )
  const [one, two] = [join(directory, 'one'), join(directory, 'two')]
  t.after(() => Promise.all([writeFile(one, ''), writeFile(two, '')]))
  const isIn = async (file: string) => {
    while (!existsSync(`${file}.in`)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const told: Error[] = []
  queue.on('error', (error) => told.push(error))
  const stuck = await queue.enqueue('work', one)
  const outcome = assert.rejects(stuck.finished(), { code: 'MILLRACE_JOB_CANCELLED' })
  await isIn(one)
  assert.equal(await stuck.cancel(), true)
  await outcome
  assert.equal(await (await queue.enqueue('other', 'goes on')).finished(), 'goes on')
  const cut = await queue.enqueue('work', two)
  await isIn(two)
  await queue.close({ timeout: 20 })
  assert.ok(!existsSync(one) && !existsSync(two), 'nobody has waited for them')
  const messages = told.map(({ message }) => message).join('\n')
  assert.ok(messages.includes(stuck.id) && messages.includes(cut.id), messages)
})
