import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue } from '../support/queue.js'
import { runScript, startScript } from '../support/script.js'

const OPEN = `const open = (options) => JobQueue.open(process.argv[2], { workers: Object.fromEntries(
    ['echo', 'gate', 'block', 'throwUnrecoverable'].map((name) => [name, { module: fixture, export: name }])), ...options })
  `

test('a process that forgets to close ends when there is nothing to do, threads or not', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    const queue = await open()
    if (process.argv[3] === 'run') console.log(await (await queue.enqueue('echo', 'ran')).finished())`
  const ended = { code: 0, signal: null, stderr: '' }
  assert.deepEqual(await runScript(t, script, [directory]), { ...ended, stdout: '' })
  assert.deepEqual(await runScript(t, script, [directory, 'run']), { ...ended, stdout: 'ran\n' })
  const again = await openQueue(t, { directory })
  assert.equal(again.counts().completed, 1)
})

test('a process waits for delayed jobs until it is told not to', async (t) => {
  const script = `${OPEN}
    const queue = await open()
    queue.unref().ref()
    queue.on('completed', ({ output }) => console.log(output))
    await queue.enqueue('echo', 'later', { delay: 100 })`
  assert.equal((await runScript(t, script, [await temporaryDirectory(t)])).stdout, 'later\n')
})

test('process.exit without close loses nothing', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    const queue = await open({ maxWorkers: 1 })
    await queue.enqueue('block', undefined, { attempts: 2 })
    await queue.enqueueMany('echo', [1, 2, 3])
    queue.once('log', () => process.exit(7))`
  assert.equal((await runScript(t, script, [directory])).code, 7)
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 4 })
  const [blocked] = await again.jobs({ task: 'block' })
  assert.deepEqual([blocked?.attempt, blocked?.failures[0]?.code], [1, 'MILLRACE_PROCESS_DIED'])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`closeOnSignals: ${signal} returns what does not end in time, uncharged, and a queue at rest closes too`, async (t) => {
    const directory = await temporaryDirectory(t)
    const script = `${OPEN}
      const queue = await open({ maxWorkers: 1 })
      closeOnSignals(queue, { timeout: 10 })
      setInterval(() => {}, 1000)
      if (process.argv[3] === 'rest') console.log('ready')
      else {
        await queue.enqueue('block')
        queue.once('log', () => console.log('ready'))
      }`
    for (const what of ['busy', 'rest']) {
      const place = join(directory, what)
      const child = await startScript(t, script, [place, what])
      const ended = once(child, 'exit')
      await once(child.stdout, 'data')
      child.kill(signal)
      assert.deepEqual(await ended, [null, signal])
      const again = await openQueue(t, { directory: place, maxWorkers: 0 })
      assert.deepEqual(again.recovered, { returned: 0, failed: 0, waiting: what === 'busy' ? 1 : 0 })
      for (const job of await again.jobs()) assert.deepEqual([job.attempt, job.failures], [0, []])
    }
  })

test('a second signal ends the process at once, and the next open restores what ran', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    const queue = await open({ maxWorkers: 1 })
    closeOnSignals(queue)
    await queue.enqueue('block')
    queue.once('log', () => console.log('ready'))
    process.once('SIGTERM', () => console.log('asked'))`
  const child = await startScript(t, script, [directory])
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [null, 'SIGTERM'])
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 1 })
})

test('a signal that comes while the queue closes anyway does no harm', async (t) => {
  const script = `${OPEN}
    const queue = await open()
    closeOnSignals(queue)
    const closing = queue.close()
    process.kill(process.pid, 'SIGINT')
    await closing
    setInterval(() => {}, 1000)`
  const { signal, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.deepEqual([signal, stderr], ['SIGINT', ''])
})

test('jobs that fail, are cancelled or left behind kill nobody who did not ask for them', async (t) => {
  const script = `${OPEN}
    const queue = await open({ maxWorkers: 1 })
    await queue.enqueue('throwUnrecoverable')
    await queue.idle()
    queue.pause()
    await (await queue.enqueue('echo', 1)).cancel()
    await queue.enqueue('echo', 2)
    console.log(JSON.stringify(queue.counts()))
    await queue.close({ timeout: 0 })`
  const { code, stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.deepEqual([code, stderr], [0, ''])
  const expected = { waiting: 1, delayed: 0, completed: 0, failed: 1, cancelled: 1, running: 0 }
  assert.deepEqual(JSON.parse(stdout), expected)
})

test('a promise of a job that failed is as any other: unhandled, it ends the process, and nothing is lost', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    const queue = await open({ maxWorkers: 1 })
    queue.pause()
    const job = await queue.enqueue('throwUnrecoverable')
    await queue.enqueue('echo', 'waits', { delay: 60_000 })
    void job.finished()
    queue.resume()`
  const { code, stderr } = await runScript(t, script, [directory])
  assert.equal(code, 1)
  assert.match(stderr, /JobFailedError.*there is no point in trying again/)
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual([again.counts().failed, again.counts().delayed], [1, 1])
  assert.equal(again.recovered.returned, 0, 'the failure was on disk before it was told')
})

test('listeners of every event may throw, and none stops the queue', async (t) => {
  const script = `${OPEN}
    const queue = await open({ maxWorkers: 1, backoff: 1, attempts: 2 })
    const thrown = new Set()
    process.on('uncaughtException', ({ message }) => thrown.add(message))
    const events = ['updated', 'started', 'finished', 'completed', 'failed', 'cancelled', 'log', 'idle']
    for (const name of events) queue.on(name, () => { throw new Error(name) })
    const failed = await queue.enqueue('throwUnrecoverable')
    const blocked = await queue.enqueue('block')
    await new Promise((resolve) => queue.prependOnceListener('log', resolve))
    await blocked.cancel()
    console.log(await (await queue.enqueue('echo', 'still works')).finished())
    await queue.idle()
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    console.log(events.filter((name) => !thrown.has(name)).join())
    await queue.close()`
  const { code, stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.deepEqual([code, stdout], [0, 'still works\n\n'], stderr)
})

for (const event of ['started', 'log', 'failed', 'finished', 'idle', 'updated'])
  test(`close may be called, and awaited, from a listener of ${event}`, async (t) => {
    const script = `${OPEN}
      const queue = await open({ maxWorkers: 1, backoff: 1, attempts: 2 })
      queue.once(${JSON.stringify(event)}, async () => {
        await queue.close({ timeout: 0 })
        console.log('closed')
      })
      await queue.enqueue(${JSON.stringify(event === 'log' ? 'block' : 'throwUnrecoverable')})
      `
    const { code, stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
    assert.deepEqual([code, stdout], [0, 'closed\n'], stderr)
  })

test('while one process has the directory, others are told its process id, until it is killed', async (t) => {
  const directory = await temporaryDirectory(t)
  const child = await startScript(
    t,
    `${OPEN} await open(); console.log('open'); setInterval(() => {}, 1000)`,
    [directory],
  )
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const refused = { code: 'MILLRACE_LOCKED', pid: child.pid, message: new RegExp(`process ${child.pid}`) }
  await assert.rejects(openQueue(t, { directory }), refused)
  await assert.rejects(openQueue(t, { directory }), refused)
  child.kill('SIGKILL')
  await ended
  await openQueue(t, { directory })
})
