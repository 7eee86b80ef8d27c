import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'
import { runScript } from '../../support/script.js'

/** A wall clock that the script can set, in threads too: `clock.jump(ms)`. */
const CLOCK = `data:text/javascript,
  const now = Date.now.bind(Date); let offset = 0;
  Date.now = () => now() + offset;
  globalThis.clock = { jump(ms) { offset += ms } }`.replaceAll('\n', ' ')

const HOUR = 3_600_000
const OPEN = `
  const workers = Object.fromEntries(['echo', 'block', 'failUntil'].map((name) => [name, { module: fixture, export: name }]))
  const queue = await JobQueue.open(process.argv[2], { workers, maxWorkers: 1, attempts: 1 })
  const ran = []
  queue.on('completed', ({ output }) => ran.push(output))`

test('a clock that jumps forward runs what has come due, once; one that jumps back loses and reruns nothing', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${OPEN}
    const hour = await queue.enqueue('echo', 'in an hour', { delay: ${HOUR} })
    const day = await queue.enqueue('echo', 'in a day', { delay: ${24 * HOUR} })
    clock.jump(${2 * HOUR})
    await hour.finished()
    clock.jump(${-10 * HOUR})
    await (await queue.enqueue('echo', 'after the jump back', { delay: 1 })).finished()
    await (await queue.enqueue('echo', 'now')).finished()
    console.log(JSON.stringify([ran.sort(), (await queue.job(day.id)).state]))
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [directory], ['--import', CLOCK])
  assert.equal(stdout, '[["after the jump back","in an hour","now"],"delayed"]\n', stderr)
  const again = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual([again.counts().completed, again.counts().delayed], [3, 1])
})

test('after a jump back a retry waits for its time, runs once when the clock is right again, and others go on', async (t) => {
  const script = `${OPEN}
    const starts = []
    queue.on('started', ({ attempt }) => starts.push(attempt))
    const flaky = await queue.enqueue('failUntil', 2, { attempts: 2, backoff: 500 })
    await new Promise((resolve) => queue.once('retrying', () => resolve(clock.jump(${-HOUR}))))
    console.log(await (await queue.enqueue('echo', 'goes on')).finished(), (await queue.job(flaky.id)).state)
    clock.jump(${HOUR})
    console.log(await flaky.finished(), JSON.stringify(ran))
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)], ['--import', CLOCK])
  assert.equal(stdout, 'goes on delayed\n2 ["goes on",2]\n', stderr)
})

test('a clock that was set back, or forward, while no process ran neither loses nor reruns anything', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `clock.jump(Number(process.argv[3]))${OPEN}
    const done = await queue.enqueue('echo', 'done', { key: 'once' })
    const minute = await queue.enqueue('echo', 'minute', { key: 'minute', delay: 60_000 })
    const day = await queue.enqueue('echo', 'day', { key: 'day', delay: ${24 * HOUR} })
    await (process.argv[4] === 'due' ? minute : done).finished()
    const states = await Promise.all([done, minute, day].map(async ({ id }) => (await queue.job(id)).state))
    console.log(ran.join(), states.join())
    await queue.close()`
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await runScript(t, script, [directory, ...args], ['--import', CLOCK])
    return stdout + stderr
  }
  assert.equal(await run('0'), 'done completed,delayed,delayed\n')
  assert.equal(await run(`${-5 * HOUR}`), ' completed,delayed,delayed\n')
  assert.equal(await run(`${HOUR}`, 'due'), 'minute completed,completed,delayed\n')
  assert.equal(await run('0'), ' completed,completed,delayed\n')
})

test('a timeout ends its job whichever way the clock has jumped', async (t) => {
  const script = `${OPEN}
    for (const ms of [${-HOUR}, ${HOUR}]) {
      const job = await queue.enqueue('block', undefined, { timeout: 300 })
      queue.once('log', () => clock.jump(ms))
      await job.finished().catch(({ cause }) => console.log(cause.code))
    }
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)], ['--import', CLOCK])
  assert.equal(stdout, 'MILLRACE_TIMEOUT\nMILLRACE_TIMEOUT\n', stderr)
})
