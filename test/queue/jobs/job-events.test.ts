/** The events of one job. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { JobEvent } from '../../../src/index.js'
import { FollowedJobs } from '../../../src/queue/jobs/job-events.js'
import type { Job } from '../../../src/queue/jobs/job-handle.js'
import { openQueue } from '../../support/queue.js'

async function all<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const list: Event[] = []
  for await (const event of events) list.push(event)
  return list
}

test('the events of a job are its own, and end with its outcome', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const chatty = await queue.enqueue('chat', 2)
  const other = await queue.enqueue('chat', 1)
  const [events, others] = [all(chatty.events()), all(other.events())]
  queue.setMaxWorkers(1)
  const texts = (list: JobEvent[]) => list.flatMap((event) => (event.type === 'log' ? [event.text] : []))
  assert.deepEqual(texts(await events), ['line 1', 'line 2'])
  assert.deepEqual(texts(await others), ['line 1'])
  assert.deepEqual((await events).at(0)?.type, 'started')
  const last = (await events).at(-1)
  assert.equal(last?.type, 'completed')
  const { finishedAt, ...shown } = { ...last?.job }
  const { finishedAt: storedAt, ...stored } = { ...(await queue.job(chatty.id)) } as Job
  assert.deepEqual(shown, stored)
  assert.ok(finishedAt && storedAt)
  assert.ok((await events).every(({ job }) => job.id === chatty.id))
})

test('attempts that fail are events too', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0, attempts: 2, backoff: 1 })
  const job = await queue.enqueue('throwValue', 'bad')
  const events = all(job.events())
  queue.setMaxWorkers(1)
  assert.deepEqual(
    (await events).map(({ type }) => type).filter((type) => type !== 'started'),
    ['retrying', 'failed'],
  )
})

test('of a job that has finished there is the one event of its outcome', async (t) => {
  const queue = await openQueue(t)
  const job = await queue.enqueue('echo', 1)
  await job.finished()
  const events = await all(job.events())
  assert.deepEqual(
    events.map(({ type, job: { output } }) => [type, output]),
    [['completed', 1]],
  )
})

test('following ends with an error when the job is removed, is not there, or the queue closes', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const [removed, open] = [await queue.enqueue('echo', 1), await queue.enqueue('echo', 2)]
  const events = [all(removed.events()), all(open.events())]
  const ended = events.map((each) => assert.rejects(each))
  await removed.remove()
  await assert.rejects(events[0] as Promise<unknown>, { code: 'MILLRACE_NO_JOB' })
  await assert.rejects(all(removed.events()), { code: 'MILLRACE_NO_JOB' })
  await queue.close()
  await assert.rejects(events[1] as Promise<unknown>, { code: 'MILLRACE_CLOSED' })
  await Promise.all(ended)
})

test('aborting the signal, or leaving the loop, ends following', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const job = await queue.enqueue('chat', 2)
  const controller = new AbortController()
  const aborted = all(job.events({ signal: controller.signal }))
  controller.abort()
  assert.deepEqual(await aborted, [])
  assert.deepEqual(await all(job.events({ signal: AbortSignal.abort() })), [])
  const left = (async () => {
    for await (const { type } of job.events()) return type
    return undefined
  })()
  queue.setMaxWorkers(1)
  assert.equal(await left, 'started')
})

test('twenty may follow one job without a warning', async (t) => {
  const queue = await openQueue(t, { maxWorkers: 0 })
  const warned = once(process, 'warning', { signal: AbortSignal.timeout(60_000) }).catch(() => undefined)
  const job = await queue.enqueue('echo', 1)
  const followers = Array.from({ length: 20 }, () => all(job.events()))
  queue.setMaxWorkers(1)
  for (const events of await Promise.all(followers)) assert.equal(events.at(-1)?.type, 'completed')
  process.emitWarning('the last one')
  const [warning] = (await warned) as Error[]
  assert.equal(warning?.message, 'the last one')
})

test('of progress that is not read the newest value is kept, of lines the newest thousand, with a count', async () => {
  const followed = new FollowedJobs<Job>()
  const place = { lane: 0, priority: 0, seq: 1 }
  const job = {} as Job
  const never = () => new Promise<undefined>(() => {})
  const stream = followed.follow(place, undefined, never, () => job)
  for (let index = 0; index < 1500; index++) {
    followed.tell(place, { type: 'log', job, text: String(index), dropped: 0 })
    followed.tell(place, { type: 'progress', job, value: index })
  }
  followed.tell(place, { type: 'completed', job })
  const events = await all(stream)
  const lines = events.flatMap((event) => (event.type === 'log' ? [event] : []))
  assert.deepEqual(
    [lines.length, lines[0]?.text, lines[0]?.dropped, lines[1]?.dropped],
    [1000, '500', 500, 0],
  )
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'progress' ? [event.value] : [])),
    [1499],
  )
  assert.equal(followed.isEmpty, true)
})
