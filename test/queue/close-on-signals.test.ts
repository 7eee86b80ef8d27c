/** closeOnSignals, and what a process that is killed while it closes leaves behind. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CloseOnSignalsOptions, closeOnSignals } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue } from '../support/queue.js'
import { runScript, startScript } from '../support/script.js'

const OPEN = `
  const open = (name) => JobQueue.open(process.argv[2] + '/' + name, { maxWorkers: 1, workers: Object.fromEntries(
    ['echo', 'gate', 'block'].map((each) => [each, { module: fixture, export: each }])) })
  `

test('the process ends when all of its queues have closed, by one handler for all', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    import { writeFileSync } from 'node:fs'
    const gate = process.argv[2] + '/gate'
    const queues = []
    for (let index = 0; index < 12; index++) queues.push(await open('queue' + index))
    for (const queue of queues) closeOnSignals(queue, { timeout: '1h' })
    console.log(process.listenerCount('SIGTERM'))
    await queues[5].enqueue('gate', gate)
    queues[5].on('completed', () => console.log('completed'))
    queues[5].once('log', () => {
      process.kill(process.pid, 'SIGTERM')
      // The others are closed long before.
      queues[0].close().then(() => setTimeout(() => writeFileSync(gate, ''), 100))
    })`
  const { signal, stdout, stderr } = await runScript(t, script, [directory])
  assert.deepEqual([signal, stdout, stderr], ['SIGTERM', '1\ncompleted\n', ''])
})

test('hooks run before and after the queues close, and an error in one holds nothing up', async (t) => {
  const script = `${OPEN}
    const queue = await open('queue')
    const said = []
    closeOnSignals(queue, {
      before: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        console.log('before', await (await queue.enqueue('echo', 'enqueued')).finished())
        throw new Error('from before')
      },
      after: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        await queue.enqueue('echo', 1).catch(({ code }) => console.log('after', code))
      },
    })
    closeOnSignals({ close: () => Promise.reject(new Error('from close')) }, { timeout: 1, before: () => new Promise(() => {}) })
    process.kill(process.pid, 'SIGHUP')
    setInterval(() => {}, 1000)`
  const { signal, stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.deepEqual([signal, stdout], ['SIGHUP', 'before enqueued\nafter MILLRACE_CLOSED\n'])
  assert.match(stderr, /from before/)
  assert.match(stderr, /from close/)
})

test('a process with other handlers of the signal ends with its exit code', async (t) => {
  const script = `${OPEN}
    closeOnSignals(await open('queue'))
    process.on('SIGTERM', () => console.log('told'))
    process.kill(process.pid, 'SIGTERM')
    setInterval(() => {}, 1000)`
  const { code, stdout } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.deepEqual([code, stdout], [143, 'told\n'])
})

const unshare = ['--user', '--map-root-user', '--fork', '--pid', '--mount-proc', '--kill-child']
const canUnshare = spawnSync('unshare', [...unshare, 'true']).status === 0

test('as the first process of a container it ends too', {
  skip: !canUnshare && 'no PID namespaces here',
}, async (t) => {
  const script = `${OPEN}
    const queue = await open('queue')
    closeOnSignals(queue)
    if (process.pid !== 1) throw new Error('not the first process')
    setInterval(() => {}, 1000)
    process.emit('SIGTERM', 'SIGTERM')`
  const file = join(await temporaryDirectory(t), 'queues')
  const child = await startScript(t, script, [file], [], ['unshare', ...unshare])
  assert.deepEqual(await once(child, 'exit'), [143, null])
})

test('what was undone is not closed, and its handler is gone with the last queue', async (t) => {
  const calls: string[] = []
  const before = process.listenerCount('SIGHUP')
  const undo = ['a', 'b'].map((name) =>
    closeOnSignals({ close: async () => void calls.push(name) }, { signals: ['SIGHUP'] }),
  )
  assert.equal(process.listenerCount('SIGHUP'), before + 1)
  undo[0]?.()
  undo[0]?.()
  assert.equal(process.listenerCount('SIGHUP'), before + 1)
  undo[1]?.()
  assert.equal(process.listenerCount('SIGHUP'), before)
  const script = `
    const undo = closeOnSignals({ close: async () => console.log('undone') })
    closeOnSignals({ close: async () => console.log('closed') })
    undo()
    process.kill(process.pid, 'SIGINT')
    setInterval(() => {}, 1000)`
  const { signal, stdout } = await runScript(t, script)
  assert.deepEqual([signal, stdout], ['SIGINT', 'closed\n'])
})

test('options are refused at the call', () => {
  const queue = { close: async () => {} }
  for (const [options, message] of [
    [{ timeout: -1 }, /^timeout must be a duration/],
    [
      { timeOut: 5 },
      /^closeOnSignals\(\) has no option "timeOut": use timeout, drain, signals, before, after$/,
    ],
    [null, /^the options of closeOnSignals\(\) must be an object/],
    [5, /^the options of closeOnSignals\(\) must be an object/],
    [{ signals: [] }, /^signals must be a list/],
    [{ signals: 'SIGTERM' }, /^signals must be a list/],
    [{ signals: ['SIGNAL'] }, /got "SIGNAL"$/],
    [{ signals: ['SIGKILL'] }, /got "SIGKILL"$/],
    [{ before: 5 }, /^before must be a function/],
    [{ after: 'x' }, /^after must be a function/],
  ] as const)
    assert.throws(() => closeOnSignals(queue, options as unknown as CloseOnSignalsOptions), {
      code: 'MILLRACE_OPTION',
      message,
    })
  assert.throws(() => closeOnSignals({} as typeof queue), { code: 'MILLRACE_OPTION' })
  assert.equal(process.listenerCount('SIGINT'), 0)
})

for (const how of ['close', 'drain'] as const)
  test(`a process that is killed while it closes charges nobody (${how})`, async (t) => {
    const directory = await temporaryDirectory(t)
    const script = `${OPEN}
      const queue = await open('queue')
      await queue.enqueueMany('block', [undefined, undefined], { attempts: 1 })
      await new Promise((resolve) => queue.once('log', resolve))
      queue.close({ timeout: '1h', drain: ${how === 'drain'} })
      setTimeout(() => console.log('closing'), 200)`
    const child = await startScript(t, script, [directory])
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await ended
    const path = join(directory, 'queue')
    const again = await openQueue(t, { directory: path, maxWorkers: 1 })
    assert.deepEqual(again.recovered, { returned: 1, failed: 0, waiting: 2 })
    // The next crash is one again.
    await again.close({ timeout: 0 })
    const crash = `${OPEN}
      const queue = await open('queue')
      queue.once('log', () => process.kill(process.pid, 'SIGKILL'))`
    await runScript(t, crash, [directory])
    const last = await openQueue(t, { directory: path, maxWorkers: 0 })
    assert.deepEqual([last.recovered.returned, last.recovered.failed], [0, 1])
  })
