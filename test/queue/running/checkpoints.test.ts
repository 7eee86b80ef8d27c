import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { NOTING, openNoting as open } from '../../support/noting.js'
import { startScript } from '../../support/script.js'

test('what a job has saved last is there in the next attempt, after an error or the death of its thread', async (t) => {
  const queue = await open(t)
  // Only the death of a thread that has run no other job is charged.
  for (const after of ['exit', 'throw'] as const) {
    const value = { at: 7, bytes: Uint8Array.of(1, 2), when: new Date(5) }
    const job = await queue.enqueue('save', { values: ['earlier', value], after })
    assert.deepEqual(await job.finished(), { saved: value, attempt: 2 })
  }
})

test('a job that has saved nothing has undefined; so has one that has saved that', async (t) => {
  const queue = await open(t)
  const job = await queue.enqueue('save', { values: [undefined], after: 'throw' }, { attempts: 2 })
  await assert.rejects(job.finished(), { code: 'MILLRACE_JOB_FAILED' })
  const other = await queue.enqueue('save', { values: [], after: 'return' })
  assert.deepEqual(await other.finished(), { saved: undefined, attempt: 1 })
})

test('a checkpoint that is larger than maxOutputBytes is refused, and the one before it stays', async (t) => {
  const queue = await open(t, { maxOutputBytes: 1000 })
  const values = ['small', 'x'.repeat(1000)]
  const job = await queue.enqueue('save', { values, after: 'return' }, { attempts: 2 })
  assert.deepEqual(await job.finished(), { saved: 'small', attempt: 2 })
  const [failure] = (await queue.job(job.id))?.failures ?? []
  assert.equal(failure?.code, 'MILLRACE_TOO_LARGE')
  assert.match(failure?.message ?? '', /checkpoint.*maxOutputBytes/)
})

test('what a job has saved is there after a timeout, a retry by hand, and a close that does not wait', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await open(t, { directory })
  const slow = await queue.enqueue('save', { values: [1], after: 'block' }, { timeout: 300 })
  assert.deepEqual(await slow.finished(), { saved: 1, attempt: 2 })
  const failed = await queue.enqueue('save', { values: [2], after: 'throw' }, { attempts: 1 })
  await assert.rejects(failed.finished())
  await queue.retry(failed.id)
  assert.deepEqual(await failed.finished(), { saved: 2, attempt: 2 })
  const cut = await queue.enqueue('save', { values: [3], after: 'block' })
  await once(queue, 'log')
  await queue.close({ timeout: 0 })
  const again = await open(t, { directory })
  assert.deepEqual(again.recovered.returned, 0)
  assert.deepEqual(await (await again.job(cut.id))?.finished(), { saved: 3, attempt: 1 })
})

test('a job that is asked to stop can still save where it is', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await open(t, { directory })
  const slow = await queue.enqueue('saveWhenStopped', 1, { timeout: 300 })
  assert.equal(await slow.finished(), 'stopped: TimeoutError')
  const cut = await queue.enqueue('saveWhenStopped', 1)
  await once(queue, 'log')
  await queue.close({ timeout: 0 })
  const again = await open(t, { directory })
  assert.equal(await (await again.job(cut.id))?.finished(), 'stopped: AbortError')
})

test('a job in synchronous code saves the first and the last of its checkpoints', async (t) => {
  const queue = await open(t)
  const failed = await queue.enqueue('saveInALoop', { to: 10_000, fail: true })
  assert.equal(await failed.finished(), 10_000)
  // What a completed one had in hand is nobody's any more.
  const completed = await queue.enqueue('saveInALoop', { to: 10_000, fail: false })
  assert.equal(await completed.finished(), 'completed')
})

test('synchronous code that goes on for long saves more than once', async (t) => {
  const queue = await open(t)
  const job = await queue.enqueue('saveAndBlock', 1000)
  await once(queue, 'log')
  await queue.cancel(job.id)
  await queue.retry(job.id)
  // Its handle has heard of the cancellation already.
  const again = (await queue.job(job.id)) ?? assert.fail()
  const saved = (await again.finished()) as number
  assert.ok(saved > 0, `${saved} was saved last`)
})

test('a checkpoint that cannot be stored is refused, with the reason', async (t) => {
  const queue = await open(t, { maxJobBytes: 1000 })
  assert.deepEqual(await (await queue.enqueue('saveWrong', 1)).finished(), [
    'MILLRACE_VALUE: checkpoint is a function: only data can be sent to a worker',
    'MILLRACE_TOO_LARGE: checkpoint is larger than maxJobBytes (1000 bytes): raise that option, or put the data in a file and send its path',
  ])
})

test('a job that is over saves, reports and logs nothing more', async (t) => {
  const queue = await open(t)
  const heard: unknown[] = []
  queue.on('progress', (_job, value) => heard.push(value))
  queue.on('log', (_job, text) => heard.push(text))
  const first = await queue.enqueue('speakLate', 1)
  assert.equal(await first.finished(), undefined)
  assert.equal(await (await queue.enqueue('speakLate', 1)).finished(), 'MILLRACE_JOB_STATE')
  assert.equal(await (await queue.enqueue('speakLate', 1)).finished(), 'MILLRACE_JOB_STATE')
  assert.deepEqual(heard, [])
  const { progress, log } = (await queue.job(first.id)) ?? assert.fail()
  assert.deepEqual([progress, log], [undefined, undefined])
})

test('what a job has saved survives kill -9, from the moment at which that is acknowledged', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `
    const module = ${JSON.stringify(NOTING.href)}
    const queue = await JobQueue.open(process.argv[2], { workers: { save: { module, export: 'save' } }, maxWorkers: 1 })
    queue.on('log', () => process.kill(process.pid, 'SIGKILL'))
    const input = { values: ['earlier', { at: 'the middle' }], after: process.argv[3] }
    if (process.argv[3] === 'wait') await queue.enqueue('save', input)
    else await queue.enqueueMany('save', [input, input, input])`
  for (const after of ['wait', 'block']) {
    const child = await startScript(t, script, [directory, after])
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')
    const queue = await open(t, { directory })
    const [job] = await queue.jobs({ state: ['waiting', 'running', 'delayed', 'completed'] })
    assert.deepEqual(await job?.finished(), { saved: { at: 'the middle' }, attempt: 2 })
    for (const { id } of await queue.jobs()) await queue.cancel(id).then(() => queue.remove(id))
    await queue.close({ timeout: 0 })
  }
})
