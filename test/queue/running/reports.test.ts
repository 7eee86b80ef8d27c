import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Job } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openNoting } from '../../support/noting.js'
import { startScript } from '../../support/script.js'

test('the newest progress and the last line arrive while the job waits, and are kept with it', async (t) => {
  const queue = await openNoting(t)
  const job = await queue.enqueue('reportAndStay', { values: 1000, lines: 3000, isBlocking: false })
  let heard = 0
  const seen = new Promise<Job>((resolve) => {
    let values = 0
    let newest: unknown
    queue.on('progress', (_job, value) => {
      values++
      newest = value
    })
    queue.on('log', (job, text, dropped) => {
      heard += 1 + dropped
      if (text === 'line 3000' && newest === 1000) resolve(job)
    })
    queue.on('progress', (job, value) => value === 1000 && heard === 3000 && resolve(job))
    t.after(() => assert.ok(values < 20, `${values} values were sent`))
  })
  const running = await seen
  assert.equal(heard, 3000)
  for (const each of [running, await queue.job(job.id), ...(await queue.jobs({ state: 'running' }))]) {
    assert.deepEqual([each?.state, each?.progress, each?.attempt], ['running', 1000, 1])
    assert.equal(each?.log?.lines.at(-1), 'line 3000')
    assert.deepEqual([each?.log?.lines.length, each?.log?.dropped], [100, 2900])
  }
})

test('the event of an outcome shows what the attempt has reported', async (t) => {
  const queue = await openNoting(t)
  const shown: unknown[] = []
  for (const name of ['retrying', 'failed', 'completed'] as const)
    queue.on(name, ({ state, progress, log }) => shown.push([state, progress, log?.lines]))
  await queue.enqueue('reportAndEnd', { isFailing: true }, { attempts: 2 })
  await queue.idle()
  await queue.enqueue('reportAndEnd', { isFailing: false })
  await queue.idle()
  assert.deepEqual(shown, [
    ['delayed', 1, ['line of attempt 1']],
    ['failed', 2, ['line of attempt 2']],
    ['completed', 1, ['line of attempt 1']],
  ])
})

test('a few reports of synchronous code arrive at once, though it blocks its thread then', async (t) => {
  const queue = await openNoting(t)
  const job = await queue.enqueue('reportAndStay', { values: 3, lines: 100, isBlocking: true })
  await new Promise<void>((resolve) => {
    queue.on('log', (_job, text) => text === 'line 100' && resolve())
  })
  const { progress, log } = (await queue.job(job.id)) ?? assert.fail()
  assert.deepEqual([progress, log?.lines.length, log?.dropped], [3, 100, 0])
})

test('progress and log of a job are there after a restart, whatever became of it', async (t) => {
  const directory = await temporaryDirectory(t)
  const queue = await openNoting(t, { directory })
  const completed = await queue.enqueue('flood', { lines: 2, text: 'completed ' })
  await completed.finished()
  const failed = await queue.enqueue('reportTooMuch', 1, { attempts: 1 })
  await assert.rejects(failed.finished(), /progress is larger than 65536 bytes/)
  const cut = await queue.enqueue('reportAndStay', { values: 2, lines: 2, isBlocking: false })
  await new Promise<void>((resolve) => {
    queue.on('log', (_job, text) => text === 'line 2' && resolve())
  })
  await queue.close({ timeout: 0 })
  const again = await openNoting(t, { directory, maxWorkers: 0 })
  const logOf = async ({ id }: Job) => (await again.job(id))?.log
  assert.deepEqual(await logOf(completed), { lines: ['completed 0', 'completed 1'], dropped: 0 })
  assert.equal(await logOf(failed), undefined)
  const stored = await again.job(cut.id)
  assert.deepEqual(
    [stored?.state, stored?.progress, stored?.log?.lines],
    ['waiting', 2, ['line 1', 'line 2']],
  )
})

test('progress and log survive the death of the process', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `
    const { openNoting } = await import(${JSON.stringify(new URL('../../support/noting.js', import.meta.url).href)})
    const queue = await openNoting({ after() {} }, { directory: process.argv[2] })
    await queue.enqueue('reportAndStay', { values: 1, lines: 1, isBlocking: false })
    queue.once('log', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1000))`
  await once(await startScript(t, script, [directory]), 'exit')
  const queue = await openNoting(t, { directory, maxWorkers: 0 })
  const [job] = await queue.jobs()
  assert.deepEqual([job?.progress, job?.log, job?.attempt], [1, { lines: ['line 1'], dropped: 0 }, 1])
})

test('a flood of lines reaches the application as its end, with a count; a line is cut', async (t) => {
  const queue = await openNoting(t)
  let [lines, characters, missing, latest] = [0, 0, 0, '']
  queue.on('log', (_job, text, dropped) => {
    lines++
    characters += text.length
    missing += dropped
    latest = text
  })
  const job = await queue.enqueue('flood', { lines: 200_000, text: 'line ' })
  await job.finished()
  assert.equal(lines + missing, 200_000)
  assert.equal(latest, 'line 199999')
  assert.ok(missing > 50_000, `${missing} are missing`)
  const long = await queue.enqueue('flood', { lines: 300, text: 'x'.repeat(1_000_000) })
  characters = 0
  await long.finished()
  assert.equal(latest, `${'x'.repeat(4096)}… (995907 more characters)`)
  assert.ok(characters < 300 * 5000)
})

test('each attempt says when it started and when it ended', async (t) => {
  const queue = await openNoting(t)
  const before = Date.now()
  const threw = await queue.enqueue('lookAtLast', 1, { attempts: 2 })
  await assert.rejects(threw.finished())
  const died = await queue.enqueue('save', { values: [], after: 'exit' }, { attempts: 1 })
  await assert.rejects(died.finished())
  const timedOut = await queue.enqueue('save', { values: [], after: 'block' }, { attempts: 1, timeout: 200 })
  await assert.rejects(timedOut.finished())
  const stopped = await queue.enqueue('reportAndStay', { values: 1, lines: 0, isBlocking: false })
  await once(queue, 'progress')
  assert.ok(((await queue.job(stopped.id))?.startedAt?.getTime() ?? 0) >= before)
  await stopped.cancel()
  for (const { id } of [threw, died, timedOut, stopped]) {
    const { startedAt, finishedAt, failures } = (await queue.job(id)) ?? assert.fail()
    assert.ok(startedAt && finishedAt, 'it has started and finished')
    let last = before
    for (const { startedAt: began, at } of failures) {
      assert.ok(began && last <= began.getTime() && began <= at, `${last} ≤ ${began} ≤ ${at}`)
      last = at.getTime()
    }
    assert.ok(startedAt.getTime() >= before && startedAt <= finishedAt)
    if (failures.length > 0) assert.deepEqual(startedAt, failures.at(-1)?.startedAt)
    await queue.retry(id)
  }
  assert.equal((await queue.job(threw.id))?.finishedAt, undefined)
})

test('a worker sees which job it runs, and nothing that is not documented', async (t) => {
  const queue = await openNoting(t)
  const before = Date.now()
  const options = { attempts: 1, priority: -5, key: 'the key', meta: { user: 7 } }
  const job = await queue.enqueue('look', undefined, options)
  const seen = (await job.finished()) as Record<string, unknown> & { printed: string; json: string }
  const { id, task, attempt, attempts, isLastAttempt, priority, key, meta, saved } = seen
  assert.deepEqual([id, task, attempt, attempts, isLastAttempt], [job.id, 'look', 1, 1, true])
  assert.deepEqual([priority, key, meta, saved], [-5, 'the key', { user: 7 }, undefined])
  assert.deepEqual(seen.enqueuedAt, (await queue.job(id as string))?.enqueuedAt)
  assert.ok(job.enqueuedAt.getTime() >= before)
  assert.match(seen.printed, /^Job \{.*the key.*user: 7/s)
  assert.deepEqual(JSON.parse(seen.json).key, 'the key')
  assert.deepEqual(seen.own, [])
  const documented =
    'id task attempt attempts isLastAttempt priority key enqueuedAt meta saved signal progress log'
  assert.deepEqual(seen.members, [...documented.split(' '), 'checkpoint', 'toJSON'])
  const failed = await queue.enqueue('lookAtLast', 1, { attempts: 3 })
  await assert.rejects(failed.finished())
  assert.deepEqual(
    (await queue.job(failed.id))?.failures.map(({ message }) => message),
    ['1 false', '2 false', '3 true'],
  )
})
