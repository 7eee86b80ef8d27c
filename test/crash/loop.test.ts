import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

/** A job whose input is a signal's name takes the whole process down. */
const WORKER = `
  import { appendFileSync } from 'node:fs'
  export default (input, job) => {
    if (!/^SIG/.test(input)) return input
    appendFileSync(new URL('deaths', import.meta.url), job.attempt + '\\n')
    process.kill(process.pid, input)
    for (;;);
  }`

/** Opens, on the first run enqueues what it is given, and ends when all is done. */
const APPLICATION = `
  const [directory, module, inputs] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, { workers: { work: module }, maxWorkers: 1, backoff: 1 })
  if (inputs) {
    // Taught that its jobs are short, the queue lets them travel together.
    await Promise.all((await queue.enqueueMany('work', new Array(2000).fill(0))).map((job) => job.finished()))
    await queue.clean()
    queue.pause()
    await queue.enqueueMany('work', JSON.parse(inputs), { attempts: 3 })
    queue.resume()
  }
  await queue.idle()
  await queue.close()`

interface Story {
  /** How the processes ended, one after the other. */
  readonly ends: (NodeJS.Signals | number | null)[]
  readonly jobs: {
    input: unknown
    state: string
    attempt: number
    failures: [attempt: number, code?: string | number][]
  }[]
}

/** Starts the application anew each time it dies. */
async function restartUntilDone(t: TestContext, inputs: readonly unknown[]): Promise<Story> {
  const base = await temporaryDirectory(t)
  const module = join(base, 'worker.mjs')
  const directory = join(base, 'queue')
  await writeFile(module, WORKER)
  const ends: Story['ends'] = []
  while (ends.at(-1) !== 0 && ends.length < 10) {
    const args = [directory, module, ends.length === 0 ? JSON.stringify(inputs) : '']
    const { code, signal, stderr } = await runScript(t, APPLICATION, args)
    if (signal === null && code !== 0) assert.fail(stderr)
    ends.push(signal ?? code)
  }
  const queue = await JobQueue.open(directory, { workers: { work: module }, maxWorkers: 0 })
  t.after(() => queue.close())
  const jobs = (await queue.jobs()).map(({ input, output, state, attempt, failures }) => ({
    input: input ?? output,
    state,
    attempt,
    failures: failures.map(({ attempt, code }): [number, (string | number)?] =>
      code ? [attempt, code] : [attempt],
    ),
  }))
  return { ends, jobs }
}

const DIED = 'MILLRACE_PROCESS_DIED'
const done = (input: unknown) => ({ input, state: 'completed', attempt: 1, failures: [] })

for (const signal of ['SIGKILL', 'SIGSEGV'] as const)
  test(`${signal}: a job that takes the process down fails after its attempts, over restarts`, async (t) => {
    const { ends, jobs } = await restartUntilDone(t, [signal])
    assert.deepEqual(ends, [signal, signal, signal, 0])
    const failures = [1, 2, 3].map((attempt) => [attempt, DIED])
    assert.deepEqual(jobs, [{ input: signal, state: 'failed', attempt: 3, failures }])
  })

test('a job that takes the process down in company is found out: it alone pays, in one restart more', async (t) => {
  const { ends, jobs } = await restartUntilDone(t, [1, 2, 'SIGKILL', 3, 4])
  // The first death names nobody; then each of them runs alone.
  assert.deepEqual(ends, ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL', 0])
  const failures = [1, 2, 3].map((attempt) => [attempt, DIED])
  const failed = { input: 'SIGKILL', state: 'failed', attempt: 3, failures }
  assert.deepEqual(jobs, [done(1), done(2), failed, done(3), done(4)])
})

test('two that take the process down in one company both pay, each for itself', async (t) => {
  const { ends, jobs } = await restartUntilDone(t, ['SIGKILL', 1, 'SIGTERM', 2])
  assert.deepEqual(ends, [...new Array(4).fill('SIGKILL'), ...new Array(3).fill('SIGTERM'), 0])
  const failures = [1, 2, 3].map((attempt) => [attempt, DIED])
  assert.deepEqual(jobs, [
    { input: 'SIGKILL', state: 'failed', attempt: 3, failures },
    done(1),
    { input: 'SIGTERM', state: 'failed', attempt: 3, failures },
    done(2),
  ])
})

test('a job that failed for killing processes can be retried, and pays again', async (t) => {
  const base = await temporaryDirectory(t)
  const module = join(base, 'worker.mjs')
  const directory = join(base, 'queue')
  await writeFile(module, WORKER)
  const script = `
    const [directory, module, what] = process.argv.slice(2)
    const queue = await JobQueue.open(directory, { workers: { work: module }, maxWorkers: 1, attempts: 1 })
    if (what === 'enqueue') await queue.enqueue('work', 'SIGKILL')
    if (what === 'retry') for (const job of await queue.jobs({ state: 'failed' })) await job.retry()
    await queue.idle()
    for (const { state, attempt, attempts } of await queue.jobs()) console.log(state, attempt, attempts)
    await queue.close()`
  const run = (what: string) => runScript(t, script, [directory, module, what])
  assert.equal((await run('enqueue')).signal, 'SIGKILL')
  assert.equal((await run('look')).stdout, 'failed 1 1\n')
  assert.equal((await run('retry')).signal, 'SIGKILL')
  assert.equal((await run('look')).stdout, 'failed 2 2\n')
})

test('process.abort, which a thread may not call, is an ordinary failure', async (t) => {
  const base = await temporaryDirectory(t)
  const module = join(base, 'abort.mjs')
  await writeFile(module, 'export default () => process.abort()')
  const queue = await JobQueue.open(join(base, 'queue'), { workers: { abort: module }, attempts: 1 })
  t.after(() => queue.close())
  await assert.rejects((await queue.enqueue('abort')).finished(), /process\.abort\(\)/)
})
