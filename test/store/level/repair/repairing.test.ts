/** Who repairs, and when: one process at a time, on a directory that nobody has open. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue } from '../../../../src/index.js'
import { intactJobs, storedQueue } from '../../../support/damage.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { openQueue } from '../../../support/queue.js'
import { startScript } from '../../../support/script.js'

test('a directory that is in use is not repaired', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openQueue(t, { directory })
  await assert.rejects(JobQueue.repair(directory), { code: 'MILLRACE_LOCKED', pid: process.pid })
  await queue.close()
  const child = await startScript(
    t,
    `await JobQueue.open(process.argv[2], { workers: { where: fixture } })
    console.log('open'); setInterval(() => {}, 1000)`,
    [directory],
  )
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await assert.rejects(JobQueue.repair(directory), { code: 'MILLRACE_LOCKED', pid: child.pid })
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  assert.equal((await JobQueue.repair(directory)).dropped, 0)
})

test('what is no queue is not repaired', async (t) => {
  const directory = await temporaryDirectory(t)
  for (const [path, make] of [
    ['none', async () => {}],
    ['file', (path: string) => writeFile(path, '')],
    ['other', (path: string) => mkdir(path).then(() => writeFile(join(path, 'CURRENT'), 'mine'))],
  ] as const) {
    await make(join(directory, path))
    await assert.rejects(JobQueue.repair(join(directory, path)), { code: 'MILLRACE_NOT_A_QUEUE' })
  }
  assert.deepEqual(await readdir(join(directory, 'other')), ['CURRENT'])
  await assert.rejects(JobQueue.repair(''), { code: 'MILLRACE_OPTION' })
})

test('while a repair is under way nobody else repairs or opens the directory; when its process is killed, the next repair does', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  // It never comes to LevelDB's own repair.
  const script = `
    import { writeSync } from 'node:fs'
    import { Level } from ${JSON.stringify(import.meta.resolve('level'))}
    Level.repair = () => {
      writeSync(1, 'repairing')
      return new Promise(() => setInterval(() => {}, 1000))
    }
    await JobQueue.repair(process.argv[2])`
  const child = await startScript(t, script, [directory])
  await once(child.stdout, 'data')
  const locked = { code: 'MILLRACE_LOCKED', pid: child.pid }
  for (let round = 0; round < 2; round++) {
    await assert.rejects(JobQueue.repair(directory), locked)
    await assert.rejects(openQueue(t, { directory }), locked)
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  await assert.rejects(openQueue(t, { directory }), {
    code: 'MILLRACE_CORRUPT',
    message: /a repair of it has not been completed/,
  })
  await JobQueue.repair(directory)
  assert.equal((await intactJobs(t, stored)).length, 65)
  assert.ok(!(await readdir(directory)).includes('REPAIR'))
})

test('a repair of version 0.1.0 that was cut short is done again, whichever process has its number now', async (t) => {
  const stored = await storedQueue(t)
  await writeFile(join(stored.directory, 'REPAIR'), `${process.ppid}\n`)
  await assert.rejects(openQueue(t, { directory: stored.directory }), {
    code: 'MILLRACE_CORRUPT',
    message: /a repair of it has not been completed/,
  })
  await JobQueue.repair(stored.directory)
  assert.equal((await intactJobs(t, stored)).length, 65)
})
