import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE, openQueue } from '../support/queue.js'
import { runScript } from '../support/script.js'

test('close lets running jobs finish and keeps the rest', async (t) => {
  const directory = await temporaryDirectory(t)
  const gate = join(await temporaryDirectory(t), 'gate')
  const queue = await openQueue(t, { directory, maxWorkers: 1 })
  const running = await queue.enqueue('gate', gate)
  const waiting = await queue.enqueue('echo', 1)
  await once(queue, 'log')
  const outcomes = Promise.allSettled([running.finished(), waiting.finished()])
  const closed = queue.close()
  await writeFile(gate, '')
  await closed
  const [first, second] = await outcomes
  assert.deepEqual(first, { status: 'fulfilled', value: 'through the gate' })
  assert.equal(second?.status === 'rejected' && second.reason.code, 'MILLRACE_CLOSED')
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual([again.counts().waiting, again.counts().completed], [1, 1])
})

test('close with a timeout returns what still runs to the backlog, uncharged', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  const job = await queue.enqueue('block')
  await once(queue, 'log')
  job.finished().catch(() => {})
  await queue.close({ timeout: 10 })
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  const stored = await again.job(job.id)
  assert.deepEqual([stored?.state, stored?.attempt, stored?.failures], ['waiting', 0, []])
  assert.deepEqual(again.recovered, { returned: 0, failed: 0, waiting: 1 })
})

test('a closed queue says so at every call; closing twice is closing once', async (t) => {
  const queue = await openQueue(t)
  const closing = queue.close()
  await Promise.all([closing, queue.close()])
  const closed = { code: 'MILLRACE_CLOSED' }
  await assert.rejects(queue.enqueue('echo', 1), closed)
  await assert.rejects(queue.enqueueMany('echo', [1]), closed)
  await assert.rejects(queue.job('0000000080000000000fffff'), closed)
  await assert.rejects(queue.jobs(), closed)
  await assert.rejects(queue.cancel('0000000080000000000fffff'), closed)
  await assert.rejects(queue.idle(), closed)
  await assert.rejects(queue.drain(), closed)
  for (const call of [
    () => queue.counts(),
    () => queue.setMaxWorkers(1),
    () => queue.pause(),
    () => queue.map('echo', []),
  ])
    assert.throws(call, closed)
})

test('await using closes the queue', async (t) => {
  const directory = await temporaryDirectory(t)
  {
    await using queue = await JobQueue.open(directory, {
      workers: { echo: { module: FIXTURE, export: 'echo' } },
    })
    assert.equal(await (await queue.enqueue('echo', 1)).finished(), 1)
  }
  await openQueue(t, { directory })
})

test('a handler may close the queue from inside an event', async (t) => {
  const queue = await openQueue(t)
  const closed = new Promise<void>((resolve) => {
    queue.on('completed', () => resolve(queue.close()))
  })
  await queue.enqueueMany('echo', [1, 2, 3])
  await closed
})

test('a second open of the directory is refused with the holder, in this process and in another', async (t) => {
  const directory = await temporaryDirectory(t)
  await openQueue(t, { directory })
  await assert.rejects(openQueue(t, { directory }), { code: 'MILLRACE_LOCKED', pid: process.pid })
  const { stdout, stderr } = await runScript(
    t,
    `await JobQueue.open(process.argv[2], { workers: {} }).catch(({ code, pid, message }) => console.log(code, pid, message))`,
    [directory],
  )
  assert.match(
    stdout,
    new RegExp(
      `^MILLRACE_LOCKED ${process.pid} .*open in another process \\(process ${process.pid} was the last to open it\\): close that queue first`,
    ),
    stderr,
  )
})

test('a directory that holds something else is refused, and not touched', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'thesis.txt'), 'important')
  await assert.rejects(openQueue(t, { directory }), { code: 'MILLRACE_NOT_A_QUEUE', message: /thesis\.txt/ })
  await assert.rejects(openQueue(t, { directory: join(directory, 'thesis.txt') }), {
    code: 'MILLRACE_NOT_A_QUEUE',
  })
  await mkdir(join(directory, 'empty', 'nested'), { recursive: true })
  await openQueue(t, { directory: join(directory, 'empty', 'nested', 'new') })
})

test('a process that has nothing to do ends without close, and one that is told so does not wait for delayed jobs', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `
    const queue = await JobQueue.open(process.argv[2], { workers: { echo: { module: fixture, export: 'echo' } } })
    const job = await queue.enqueue('echo', 'hello')
    console.log(await job.finished())
    await queue.enqueue('echo', 'in an hour', { delay: 3_600_000 })
    queue.unref()`
  assert.deepEqual(await runScript(t, script, [directory]), {
    code: 0,
    signal: null,
    stdout: 'hello\n',
    stderr: '',
  })
  const again = await openQueue(t, { directory })
  assert.deepEqual([again.counts().delayed, again.counts().completed], [1, 1])
})

test('closeOnSignals finishes what runs, then ends by that signal', async (t) => {
  const directory = await temporaryDirectory(t)
  const gate = join(await temporaryDirectory(t), 'gate')
  const script = `
    import { writeFileSync } from 'node:fs'
    const [directory, gate] = process.argv.slice(2)
    const queue = await JobQueue.open(directory, { maxWorkers: 1, workers: { gate: { module: fixture, export: 'gate' } } })
    closeOnSignals(queue)
    await queue.enqueueMany('gate', [gate, gate])
    queue.once('log', () => {
      process.kill(process.pid, 'SIGTERM')
      setImmediate(() => writeFileSync(gate, ''))
    })
    queue.on('completed', () => console.log('completed'))`
  const { code, signal, stdout } = await runScript(t, script, [directory, gate])
  assert.deepEqual({ code, signal, stdout }, { code: null, signal: 'SIGTERM', stdout: 'completed\n' })
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual([again.counts().waiting, again.counts().completed], [1, 1])
})

test('console.log in a worker reaches the terminal, even if the process ends right after', async (t) => {
  const script = `
    const queue = await JobQueue.open(process.argv[2], { workers: { chat: { module: fixture, export: 'chat' } } })
    await (await queue.enqueue('chat', 1)).finished()
    await queue.close()`
  assert.equal((await runScript(t, script, [await temporaryDirectory(t)])).stdout, 'printed by a worker\n')
})

test('worker modules in TypeScript run where a loader is in use', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'typed.ts')
  await writeFile(module, 'export default (input: { n: number }): number => input.n + 1')
  const script = `
    const queue = await JobQueue.open(process.argv[2], { workers: { typed: process.argv[3] } })
    console.log(await (await queue.enqueue('typed', { n: 1 })).finished())
    await queue.close()`
  const tsx = import.meta.resolve('tsx')
  const { stdout, stderr } = await runScript(t, script, [join(directory, 'queue'), module], ['--import', tsx])
  assert.equal(stdout, '2\n', stderr)
})

test('a listener that throws is its owner’s trouble and does not stop the queue', async (t) => {
  const script = `
    const queue = await JobQueue.open(process.argv[2], { workers: { echo: { module: fixture, export: 'echo' } } })
    process.on('uncaughtException', (error) => console.log('uncaught', error.message))
    queue.on('completed', () => { throw new Error('listener') })
    const jobs = await queue.enqueueMany('echo', [1, 2])
    await Promise.all(jobs.map((job) => job.finished()))
    await queue.idle()
    await new Promise((resolve) => setImmediate(resolve))
    console.log(queue.counts().completed)
    await queue.close()`
  assert.equal(
    (await runScript(t, script, [await temporaryDirectory(t)])).stdout,
    'uncaught listener\nuncaught listener\n2\n',
  )
})

test('a wrong argument rejects the promise of a method that gives one, and throws from the others', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const job = await queue.enqueue('echo', 1)
  const wrong = { code: 'MILLRACE_OPTION' }
  const options = { timeout: -1, signal: 1 } as never
  const promises = [queue.close(options), job.finished(options), queue.jobs(options), queue.cancel('nope')]
  for (const promise of promises) await assert.rejects(promise, wrong)
  assert.throws(() => job.events(options), wrong)
  assert.throws(() => job.events({ signal: 1 } as never), {
    ...wrong,
    message: /^signal must be an AbortSignal/,
  })
  assert.throws(() => queue.map('echo', [], options), wrong)
  assert.throws(() => queue.map('nope' as 'echo', []), { code: 'MILLRACE_UNKNOWN_TASK' })
})

test('closing takes no longer than its timeout in all: what draining has taken is not granted again', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 1 })
  const started = once(queue, 'log')
  await queue.enqueue('block')
  await started
  const timers = t.mock.method(globalThis, 'setTimeout')
  await queue.close({ drain: true, timeout: 137 })
  const whole = timers.mock.calls.filter(({ arguments: [, ms] }) => ms === 137)
  assert.equal(whole.length, 1)
})
