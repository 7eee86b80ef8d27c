import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { runScript } from '../../support/script.js'

/** `timers()` gives how many timers keep the process alive. */
const PRELUDE = `
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const workers = Object.fromEntries(['echo', 'listen', 'gate'].map((name) => [name, { module: fixture, export: name }]))
  const queue = await JobQueue.open(process.argv[2], { workers, maxWorkers: 1, abortGrace: 3_600_000 })
  `

for (const verb of ['cancel', 'remove', 'retry'] as const)
  test(`${verb}() of the only delayed job leaves no timer that keeps the process alive`, async (t) => {
    const script = `${PRELUDE}
      queue.pause()
      const job = await queue.enqueue('echo', 1, { delay: 3_600_000 })
      console.log(timers())
      await job.${verb}()
      console.log(timers())
      process.exit()`
    const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
    assert.equal(stdout, '1\n0\n', stderr)
  })

test('a delayed job that is cancelled leaves the timer of the next one', async (t) => {
  const script = `${PRELUDE}
    const ran = new Promise((resolve) => queue.on('completed', ({ output }) => resolve(output)))
    const first = await queue.enqueue('echo', 'first', { delay: 100 })
    await queue.enqueue('echo', 'second', { delay: 200 })
    await first.cancel()
    console.log(await ran, timers())`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  assert.equal(stdout, 'second 0\n', stderr)
})

test('close() leaves no timer behind, whether a job ends in time or is stopped', async (t) => {
  for (const timeout of [3_600_000, 1]) {
    const script = `${PRELUDE}
      import { writeFileSync } from 'node:fs'
      const gate = process.argv[2] + '/../gate-${timeout}'
      await queue.enqueue('gate', gate)
      await new Promise((resolve) => queue.once('log', resolve))
      const closing = queue.close({ timeout: ${timeout} })
      if (${timeout} > 1) writeFileSync(gate, '')
      await closing
      console.log(timers())
      process.exit()`
    const directory = `${await temporaryDirectory(t)}/queue`
    const { stdout, stderr } = await runScript(t, script, [directory])
    assert.equal(stdout, '0\n', stderr)
  }
})
