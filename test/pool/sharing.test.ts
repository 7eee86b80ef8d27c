/** Jobs of a task that share a thread at the same time. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE } from '../support/queue.js'
import { runScript } from '../support/script.js'
import {
  begun,
  chargesOf,
  newGate,
  openSharing,
  type Place,
  placeOf,
  SHARING_MODULE,
} from '../support/sharing.js'

test('twenty jobs that wait for one another run at the same time on one thread', async (t) => {
  const queue = await openSharing(t)
  const jobs = await queue.enqueueMany('share', Array(40).fill({ do: 'meet', count: 20 }))
  const places = await Promise.all(jobs.map(placeOf))
  assert.equal(new Set(places.map(({ threadId }) => threadId)).size, 1)
  assert.equal(Math.max(...places.map(({ most }) => most)), 20)
  assert.equal(queue.numWorkers, 0)
})

test('jobs fill one thread before they take the next, and maxWorkers counts threads', async (t) => {
  const queue = await openSharing(t, { perThread: 3 }, { maxWorkers: 2 })
  const gate = await newGate(t)
  const first = await begun(queue, { do: 'gate', file: gate.file }, { do: 'gate', file: gate.file })
  assert.equal(queue.numWorkers, 1)
  const second = await begun(queue, ...Array(4).fill({ do: 'gate', file: gate.file }))
  assert.equal(queue.numWorkers, 2)
  const waiting = await queue.enqueue('share', { do: 'meet', count: 1 })
  assert.deepEqual([queue.counts().waiting, queue.counts().running], [1, 6])
  await gate.open()
  await waiting.finished()
  const threads = (await Promise.all([...first, ...second].map(placeOf))).map(({ threadId }) => threadId)
  const [one, , , other] = threads
  assert.deepEqual(threads, [one, one, one, other, other, other])
  assert.notEqual(one, other)
})

test('concurrency bounds how many jobs of the task run at once', async (t) => {
  const queue = await openSharing(t, { concurrency: 3 }, { maxWorkers: 2 })
  const jobs = await queue.enqueueMany('share', Array(9).fill({ do: 'meet', count: 3 }))
  const places = await Promise.all(jobs.map(placeOf))
  assert.equal(Math.max(...places.map(({ most }) => most)), 3)
})

test('a job of another task waits for one filling of a thread that is shared, not for its whole backlog', async (t) => {
  const queue = await openSharing(t, { perThread: 4 })
  const order: string[] = []
  queue.on('completed', ({ task }) => order.push(task))
  queue.pause()
  await queue.enqueueMany('share', Array(20).fill({ do: 'meet', count: 1 }))
  await queue.enqueue('plain')
  await queue.enqueueMany('share', Array(40).fill({ do: 'meet', count: 1 }))
  queue.resume()
  await queue.idle()
  const at = order.indexOf('plain')
  assert.ok(at >= 20 && at <= 23, `it was number ${at}`)
})

test('jobs that share a thread get it in their turn, before those of another task that come later', async (t) => {
  const queue = await openSharing(t)
  const order: string[] = []
  queue.on('completed', ({ task }) => order.push(task))
  queue.pause()
  await queue.enqueueMany('plain', Array(20).fill(undefined))
  // Two that need one another: the second overtakes the ordinary job that waits between them.
  await queue.enqueue('share', { do: 'meet', count: 2 })
  await queue.enqueueMany('plain', Array(20).fill(undefined))
  await queue.enqueue('share', { do: 'meet', count: 2 })
  queue.resume()
  await queue.idle()
  assert.deepEqual(
    order.flatMap((task, at) => (task === 'share' ? [at] : [])),
    [20, 21],
  )
})

test('ordinary jobs of short tasks go on beside a thread that is shared', async (t) => {
  const queue = await openSharing(t, {}, { maxWorkers: 2 })
  const gate = await newGate(t)
  const [held] = await begun(queue, { do: 'gate', file: gate.file })
  const plain = await queue.enqueueMany('plain', Array(2000).fill(undefined))
  const joining = await begun(queue, { do: 'gate', file: gate.file })
  await Promise.all(plain.map((job) => job.finished()))
  await gate.open()
  const places = await Promise.all([held, ...joining].flatMap((job) => (job ? [placeOf(job)] : [])))
  assert.equal(new Set(places.map(({ threadId }) => threadId)).size, 1)
  assert.equal(places[1]?.most, 2)
})

test('what jobs on one thread report and save is kept apart', async (t) => {
  const queue = await openSharing(t, { captureConsole: true }, { attempts: 2 })
  const wrong: unknown[] = []
  let lines = 0
  queue.on('log', (job, text) => {
    lines++
    if (text !== 'report' && text !== job.id && text !== `saved ${job.id}`) wrong.push([job.id, text])
  })
  queue.on('progress', (job, value) => {
    if (value !== job.id) wrong.push([job.id, value])
  })
  const jobs = await queue.enqueueMany('share', Array(10).fill({ do: 'report' }))
  await Promise.all(jobs.map((job) => job.finished()))
  assert.deepEqual(wrong, [])
  // Of each attempt what it begins with, and six; of the second one the last.
  assert.equal(lines, 10 * (7 + 8))
  for (const { id } of jobs) {
    const { log, progress } = (await queue.job(id)) ?? {}
    assert.deepEqual([progress, log?.lines.at(-1)], [id, `saved ${id}`])
  }
})

test('each record says when its own job ran', async (t) => {
  const queue = await openSharing(t)
  const [gate, other] = [await newGate(t), await newGate(t)]
  const [long] = await begun(queue, { do: 'gate', file: gate.file })
  const [hog] = await begun(queue, { do: 'hog', file: other.file })
  const behind = await queue.enqueue('share', { do: 'meet', count: 1 })
  await queue.jobs()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await other.open()
  await behind.finished()
  await gate.open()
  await long?.finished()
  const timesOf = async (id = '') => {
    const { startedAt, finishedAt } = (await queue.job(id)) ?? {}
    return [Number(startedAt), Number(finishedAt)] as const
  }
  const [[longFrom, longTo], [hogFrom, hogTo], [from, to]] = (await Promise.all(
    [long, hog, behind].map((job) => timesOf(job?.id)),
  )) as [readonly [number, number], readonly [number, number], readonly [number, number]]
  assert.ok(longFrom <= hogFrom && hogTo <= longTo && to <= longTo)
  assert.ok(hogTo - hogFrom >= 100 && to - from < hogTo - hogFrom, `${to - from} ms, ${hogTo - hogFrom} ms`)
})

test('what has not begun on a thread that is shared is taken back by a pause', async (t) => {
  const queue = await openSharing(t)
  const gate = await newGate(t)
  const [hog] = await begun(queue, { do: 'hog', file: gate.file })
  const lying = await queue.enqueueMany('share', Array(3).fill({ do: 'meet', count: 1 }))
  while (queue.counts().waiting > 0) await queue.jobs()
  await queue.jobs()
  queue.pause('share')
  await queue.jobs()
  assert.deepEqual([queue.counts().waiting, queue.counts().running], [3, 1])
  await gate.open()
  await hog?.finished()
  queue.resume('share')
  await Promise.all(lying.map((job) => job.finished()))
})

test('with fewer threads allowed, none is filled up again until enough are free', async (t) => {
  const queue = await openSharing(t, { perThread: 2 }, { maxWorkers: 2 })
  const [one, two, three] = [await newGate(t), await newGate(t), await newGate(t)]
  const [a] = await begun(queue, { do: 'gate', file: one.file })
  const [b] = await begun(queue, { do: 'gate', file: two.file })
  const [c] = await begun(queue, { do: 'gate', file: three.file })
  queue.setMaxWorkers(1)
  await queue.enqueueMany('share', Array(4).fill({ do: 'meet', count: 1 }))
  await one.open()
  await a?.finished()
  await queue.jobs()
  assert.deepEqual([queue.counts().running, queue.counts().waiting, queue.numWorkers], [2, 4, 2])
  await three.open()
  await c?.finished()
  await two.open()
  await b?.finished()
  await queue.idle()
  assert.deepEqual(await chargesOf(queue, b as never), [])
})

test('closing lets jobs that share a thread finish, and takes no more', async (t) => {
  const queue = await openSharing(t, { perThread: 2 })
  const gate = await newGate(t)
  const jobs = await begun(queue, { do: 'gate', file: gate.file }, { do: 'gate', file: gate.file })
  await queue.enqueue('share', { do: 'meet', count: 1 })
  const completed = Promise.all(jobs.map(placeOf))
  const closed = queue.close()
  await gate.open()
  await closed
  assert.equal((await completed).length, 2)
})

test('a close that waits no longer asks those that listen, though others on their thread do not, and charges nobody', async (t) => {
  const queue = await openSharing(t)
  const { directory } = queue
  const jobs = await begun(queue, { do: 'stay' }, { do: 'listen' }, { do: 'listen' }, { do: 'stay' })
  await queue.close({ timeout: 0 })
  const again = await openSharing(t, {}, { directory, maxWorkers: 0 })
  assert.equal(again.counts().waiting, 4)
  for (const job of jobs) assert.deepEqual(await chargesOf(again, job), [])
  const [first, one, two, last] = jobs.map(({ id }) => id)
  for (const id of [first, last]) await (await again.job(id as string))?.cancel()
  again.setMaxWorkers(1)
  for (const id of [one, two]) {
    const job = await again.job(id as string)
    assert.deepEqual(
      await job?.finished().then((place) => [(place as Place).saved, (place as Place).attempt]),
      ['asked', 1],
    )
  }
})

test('a module that cannot be loaded holds its task, not the thread that its jobs would share', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'late.mjs')
  await writeFile(module, 'throw new Error("not yet")')
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { late: { module, perThread: 3 }, other: { module: FIXTURE, export: 'echo' } },
    maxWorkers: 1,
    attempts: 1,
  })
  t.after(() => queue.close({ timeout: 0 }))
  const told = once(queue, 'error')
  const jobs = await queue.enqueueMany('late', [1, 2, 3, 4, 5])
  assert.match(String(await told), /not yet/)
  assert.equal(await (await queue.enqueue('other', 'goes on')).finished(), 'goes on')
  await writeFile(module, 'export default (input) => input')
  assert.deepEqual(await Promise.all(jobs.map((job) => job.finished())), [1, 2, 3, 4, 5])
})

test('when the process is killed, those that shared a thread are not charged; each runs alone in the next one', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `
    const [directory, module] = process.argv.slice(2)
    const queue = await JobQueue.open(directory, { workers: { share: { module, perThread: 20 } }, maxWorkers: 1, attempts: 1 })
    let begun = 0
    queue.on('log', () => ++begun === 3 && process.kill(process.pid, 'SIGKILL'))
    await queue.enqueueMany('share', Array(3).fill({ do: 'gate', file: process.argv[4] }))`
  const gate = await newGate(t)
  const { signal } = await runScript(t, script, [directory, SHARING_MODULE.href, gate.file])
  assert.equal(signal, 'SIGKILL')
  await gate.open()
  const queue = await openSharing(t, {}, { directory })
  const places = await Promise.all((await queue.jobs()).map((job) => placeOf(job)))
  assert.deepEqual(
    places.map(({ attempt, most }) => [attempt, most]),
    Array(3).fill([1, 1]),
  )
  for (const job of await queue.jobs()) assert.deepEqual(job.failures, [])
})
