import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { inspect } from '../support/inspect.js'
import { openQueue } from '../support/queue.js'

test('a backup opens as a queue with every job in its state; what ran is recovered there', async (t) => {
  const scratch = await temporaryDirectory(t)
  const target = join(scratch, 'new', 'copy')
  const gate = join(scratch, 'gate')
  const queue = await openQueue(t, { maxWorkers: 1 })
  const failed = await queue.enqueue('throwValue', 'no', { attempts: 1 })
  await assert.rejects(failed.finished())
  const completed = await queue.enqueue('echo', 'done', { key: 'once' })
  await completed.finished()
  const running = await queue.enqueue('gate', gate)
  await once(queue, 'log')
  const delayed = await queue.enqueue('echo', 'later', { delay: 3_600_000 })
  const waiting = await queue.enqueue('echo', 'waits', { meta: { kept: true } })
  const { jobs, bytes } = await queue.backup(target)
  assert.equal(jobs, 5)
  assert.ok(bytes > 0)
  await writeFile(gate, '')
  assert.equal(await running.finished(), 'through the gate')

  const before = await inspect(target)
  assert.deepEqual(before.problems, [])
  const copy = await openQueue(t, { directory: target, maxWorkers: 0 })
  assert.deepEqual(copy.recovered, { returned: 1, failed: 0, waiting: 3 })
  const states = await Promise.all(
    [failed, completed, running, delayed, waiting].map(async ({ id }) => (await copy.job(id))?.state),
  )
  assert.deepEqual(states, ['failed', 'completed', 'waiting', 'delayed', 'waiting'])
  assert.deepEqual((await copy.job(waiting.id))?.meta, { kept: true })
  assert.equal((await copy.job(running.id))?.attempt, 1)
  assert.equal((await copy.enqueue('echo', 'done', { key: 'once' })).id, completed.id)
  copy.setMaxWorkers(1)
  await (await copy.job(running.id))?.finished()
  const added = await copy.enqueue('echo', 'new')
  assert.ok(added.id.slice(12) > waiting.id.slice(12))
})

test('a backup of a queue at work holds together, and all that was acknowledged before it', async (t) => {
  const target = join(await temporaryDirectory(t), 'copy')
  const queue = await openQueue(t, { durability: 'process' })
  const before = await queue.enqueueMany('echo', new Array(3000).fill('x'.repeat(1000)))
  let isDone = false
  let added = 0
  const busy = (async () => {
    while (!isDone) added += (await queue.enqueueMany('echo', new Array(50).fill('y'))).length
  })()
  const { jobs } = await queue.backup(target)
  isDone = true
  await busy
  assert.ok(added > 0)
  await queue.idle()
  const { jobs: copied, problems } = await inspect(target)
  assert.deepEqual(problems, [])
  assert.equal(copied.size, jobs)
  for (const { id } of before) assert.ok(copied.has(id), id)
  const copy = await openQueue(t, { directory: target })
  await copy.idle()
  assert.equal(copy.counts().completed, jobs)
})

test('a backup counts every job of many small ones that came in, and some of which completed, together', async (t) => {
  const target = join(await temporaryDirectory(t), 'copy')
  const queue = await openQueue(t, { maxWorkers: 0 })
  const jobs = await queue.enqueueMany(
    'echo',
    Array.from({ length: 700 }, (_, index) => index),
  )
  for (const index of [3, 4, 5, 400]) await jobs[index]?.cancel()
  for (const index of [6, 699]) await queue.remove(jobs[index]?.id ?? '')
  assert.equal((await queue.backup(target)).jobs, 698)
  assert.deepEqual((await inspect(target)).problems, [])
  const copy = await openQueue(t, { directory: target })
  await copy.idle()
  const { completed, cancelled, waiting } = copy.counts()
  assert.deepEqual([completed, cancelled, waiting], [694, 4, 0])
  const again = join(await temporaryDirectory(t), 'copy')
  assert.equal((await copy.backup(again)).jobs, 698)
  assert.deepEqual((await inspect(again)).problems, [])
})

test('a large job is copied whole', async (t) => {
  const target = join(await temporaryDirectory(t), 'copy')
  const queue = await openQueue(t, { maxWorkers: 0 })
  const input = new Uint8Array(20 * 1024 * 1024).fill(3)
  const { id } = await queue.enqueue('echo', input)
  const { bytes } = await queue.backup(target)
  assert.ok(bytes > input.length)
  const copy = await openQueue(t, { directory: target, maxWorkers: 0 })
  assert.ok(Buffer.from(input).equals((await copy.job(id))?.input as Uint8Array))
})

test('a target that holds anything is refused and not touched, and so is what is no path', async (t) => {
  const target = await temporaryDirectory(t)
  const queue = await openQueue(t, { maxWorkers: 0 })
  await writeFile(join(target, 'thesis.txt'), 'important')
  const refused = { code: 'MILLRACE_BACKUP', message: /thesis\.txt/ }
  await assert.rejects(queue.backup(target), refused)
  await assert.rejects(queue.backup(join(target, 'thesis.txt')), { code: 'MILLRACE_BACKUP' })
  assert.deepEqual(await readdir(target), ['thesis.txt'])
  await assert.rejects(queue.backup(queue.directory), { code: 'MILLRACE_BACKUP' })
  await assert.rejects(queue.backup(''), { code: 'MILLRACE_OPTION' })
  await queue.enqueue('echo', 'the queue goes on')
})

test('a backup that closing interrupts leaves nothing that would be taken for a queue', async (t) => {
  const target = join(await temporaryDirectory(t), 'copy')
  const queue = await openQueue(t, { maxWorkers: 0, durability: 'process' })
  await queue.enqueueMany('echo', new Array(5000).fill('x'.repeat(1000)))
  const interrupted = assert.rejects(queue.backup(target), { code: 'MILLRACE_CLOSED' })
  await queue.close()
  await interrupted
  assert.deepEqual(await readdir(target).catch(() => []), [])
  await assert.rejects(queue.backup(target), { code: 'MILLRACE_CLOSED' })
})
