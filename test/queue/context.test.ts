/** In which asynchronous context (`AsyncLocalStorage`) the queue calls its application. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE } from '../support/queue.js'
import { runScript } from '../support/script.js'

const storage = new AsyncLocalStorage<string>()

/** Listeners that note in which context they run. */
const EVENTS = [
  'updated',
  'started',
  'progress',
  'log',
  'retrying',
  'completed',
  'failed',
  'cancelled',
  'finished',
  'idle',
  'error',
] as const

test('listeners and the worker factory run in the context of open, whoever enqueues, cancels or resumes', async (t) => {
  const directory = await temporaryDirectory(t)
  const seen = new Map<string, Set<string | undefined>>()
  const note = (name: string) => {
    seen.set(name, (seen.get(name) ?? new Set()).add(storage.getStore()))
  }
  const modules = new Map([
    ['missing', new URL('missing.js', FIXTURE)],
    ['speak', new URL('data:text/javascript,export default (_, job) => (job.log(1), job.progress(1))')],
  ])
  const queue = await storage.run('open', () =>
    JobQueue.open(directory, {
      workers: ({ task }) => {
        note('factory')
        return modules.get(task) ?? { module: FIXTURE, export: task }
      },
      maxWorkers: 1,
      attempts: 2,
      backoff: 1,
    }),
  )
  t.after(() => queue.close({ timeout: 0 }))
  for (const name of EVENTS) queue.on(name, () => note(name))
  const requests = ['echo', 'speak', 'throwValue', 'add'].map((task, index) =>
    storage.run(`request ${index}`, async () => {
      const job = await queue.enqueue(task, task === 'throwValue' ? 'bad' : 1)
      await job.finished().catch(() => {})
      // What a request awaits goes on in its own context.
      assert.equal(storage.getStore(), `request ${index}`)
    }),
  )
  await Promise.all(requests)
  await storage.run('canceller', async () => {
    queue.setMaxWorkers(0)
    const job = await queue.enqueue('echo', 1)
    await job.cancel()
    const held = await queue.enqueue('missing')
    const error = once(queue, 'error')
    queue.setMaxWorkers(1)
    await error
    const idle = queue.idle()
    await held.cancel()
    await idle
  })
  for (const name of ['factory', ...EVENTS]) assert.deepEqual([...(seen.get(name) ?? [])], ['open'], name)
})

test('a process warning is given in the context of open', async (t) => {
  const script = `
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    process.removeAllListeners('warning')
    process.on('warning', ({ code }) => {
      console.log(code, storage.getStore())
      queue.close()
    })
    const options = { workers: () => new URL('missing.js', fixture) }
    const queue = await storage.run('open', () => JobQueue.open(process.argv[2], options))
    await storage.run('request', () => queue.enqueue('any'))`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.equal(stdout, 'MILLRACE_WORKER_MODULE open\n', stderr)
})

test('an open queue keeps nothing of the contexts in which it was called', async (t) => {
  const script = `
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    const queue = await JobQueue.open(process.argv[2], {
      workers: { echo: { module: fixture, export: 'echo' }, missing: { module: fixture, export: 'missing' } },
      maxWorkers: 1, idleTimeout: '1h', backoff: '1h', loadTimeout: 0, durability: 'process',
    })
    const stores = []
    const request = (call) => {
      const store = {}
      stores.push(new WeakRef(store))
      return storage.run(store, call)
    }
    // Threads, timers and writes begin in these.
    await request(async () => (await queue.enqueue('echo', 1)).finished())
    await request(() => queue.enqueue('echo', 1, { delay: '1h' }))
    await request(() => queue.enqueue('echo', 1, { delay: '30m' }))
    await request(() => queue.enqueue('missing', 1))
    await request(() => queue.pause())
    await request(() => queue.enqueue('echo', 1))
    await request(() => queue.resume())
    await request(() => queue.enqueueMany('echo', [new Uint8Array(9e6), 2]))
    await queue.drain()
    // It never comes to rest meanwhile.
    const kept = () => stores.filter((store) => store.deref()).length
    const flood = async () => {
      for (let count = 0; count < 1000 && kept() > 0; count++) await queue.enqueue('echo', 1)
    }
    setInterval(gc, 50).unref()
    await Promise.all([flood(), flood(), flood()])
    console.log(kept(), 'kept')
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)], ['--expose-gc'])
  assert.equal(stdout, '0 kept\n', stderr)
})

test('what closeOnSignals calls runs in the context in which it was given', async (t) => {
  const script = `
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    const note = (hook) => () => console.log(hook, storage.getStore())
    for (const name of ['first', 'second'])
      storage.run(name, () => closeOnSignals({ close: async () => {} }, { before: note('before'), after: note('after') }))
    process.kill(process.pid, 'SIGTERM')
    setInterval(() => {}, 1000)`
  const { stdout, stderr } = await runScript(t, script)
  assert.equal(stdout, 'before first\nbefore second\nafter first\nafter second\n', stderr)
})
