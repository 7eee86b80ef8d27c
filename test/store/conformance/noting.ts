import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Head } from '../../../src/job/job.js'
import type { Claimed, Settlement, Store } from '../../../src/store/store.js'
import {
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenStore,
  remove,
  revive,
  textOf,
} from '../../support/store.js'

const SAVED = Buffer.from('saved')
const PROGRESS = Buffer.from('progress')
const LOG = { lines: ['one', 'two'], dropped: 0 }
const NOTES = { saved: 'saved', progress: 'progress', log: LOG }
const FAILED = { attempt: 1 } satisfies Head

export function noting(open: OpenStore): void {
  test('what a running job notes is seen at once, with the attempt that runs and when it started', async (t) => {
    const { store, job } = await running(open, t)
    store.noteStarted(job, 1234)
    store.note(job, { progress: Buffer.from('earlier') })
    store.note(job, { progress: PROGRESS, log: LOG })
    const saved = store.checkpoint(job, SAVED)
    const [listed] = await store.list({ states: ['running'], limit: 1 })
    for (const stored of [await store.get(job.place), listed]) {
      assert.ok(stored)
      assert.deepEqual(notesOf(stored), NOTES)
      assert.deepEqual([stored.state, stored.head.attempt, stored.head.startedAt], ['running', 1, 1234])
      assert.equal(textOf(stored), 'job')
    }
    assert.equal(await saved, true)
  })

  test('what was seen of a running job does not change with what it notes later', async (t) => {
    const { store, job } = await running(open, t)
    store.note(job, { progress: PROGRESS, log: LOG })
    const before = await store.get(job.place)
    store.note(job, { progress: Buffer.from('later'), log: { lines: ['three'], dropped: 0 } })
    await store.checkpoint(job, SAVED)
    assert.deepEqual(notesOf(before), { progress: 'progress', log: LOG })
  })

  for (const outcome of ['retry', 'released', 'failed', 'cancelled'] as const)
    for (const size of [0, 100_000])
      test(`a job of ${size || 'few'} bytes that is settled as ${outcome} keeps what it has noted`, async (t) => {
        const { opened, store, job } = await running(open, t, 'x'.repeat(size))
        await noteAll(store, job)
        const head = { ...FAILED, ...(outcome === 'retry' && { runAt: Date.now() + 3_600_000 }) }
        await store.settle([{ outcome, job, head } as Settlement])
        for await (const each of nowAndAfterCrash(opened)) {
          const stored = await each.store.get(job.place)
          assert.ok(stored)
          assert.deepEqual([notesOf(stored), stored.body.length], [NOTES, size])
          const states = { retry: 'delayed', released: 'waiting', failed: 'failed', cancelled: 'cancelled' }
          assert.equal(stored.state, states[outcome])
          assert.equal(each.recovered.returned, 0)
        }
      })

  test('a job that completes keeps its progress and its log; its checkpoint goes, that of an earlier attempt too', async (t) => {
    const { opened, store, job } = await running(open, t)
    await noteAll(store, job)
    await store.settle([{ outcome: 'retry', job, head: FAILED }])
    const [again] = await claimNext(store)
    assert.ok(again)
    assert.equal(String(again.head.saved), 'saved')
    await store.settle([{ outcome: 'completed', job: again, output: Buffer.from('out'), startedAt: 1 }])
    for await (const each of nowAndAfterCrash(opened)) {
      const stored = await each.store.get(job.place)
      assert.deepEqual(notesOf(stored), { progress: 'progress', log: LOG })
      assert.deepEqual([stored && textOf(stored), String(stored?.input)], ['out', 'job'])
    }
  })

  test('jobs that complete together keep each its own notes', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    await store.add(Array.from({ length: 20 }, (_, index) => newJob(lane, String(index))))
    const jobs = await claimNext(store)
    for (const job of jobs) if (Number(textOf(job)) % 3 === 0) store.note(job, { progress: job.input })
    for (const job of jobs) if (Number(textOf(job)) % 4 === 0) await store.checkpoint(job, job.input)
    await store.settle(
      jobs.map((job) => ({ outcome: 'completed', job, output: Buffer.from('out'), startedAt: 1 })),
    )
    for await (const each of nowAndAfterCrash(opened))
      for (const job of await each.store.list({ limit: 100 })) {
        const own = Number(String(job.input)) % 3 === 0 ? { progress: String(job.input) } : {}
        assert.deepEqual(notesOf(job), own)
      }
  })

  test('the next attempt is given the last checkpoint; what it notes replaces what was noted before', async (t) => {
    const { opened, store, job } = await running(open, t)
    await noteAll(store, job)
    await Promise.all(['1', '2', '3'].map((text) => store.checkpoint(job, Buffer.from(text))))
    await store.settle([{ outcome: 'retry', job, head: FAILED }])
    const crashed = await opened.crash()
    const [again] = await claimNext(crashed.store)
    assert.ok(again)
    assert.deepEqual([String(again.head.saved), again.notes], ['3', undefined])
    assert.deepEqual(notesOf(await crashed.store.get(job.place)), { ...NOTES, saved: '3' })
    const log = { lines: ['of the second'], dropped: 0 }
    crashed.store.note(again, { log })
    await crashed.store.settle([{ outcome: 'retry', job: again, head: { ...again.head, attempt: 2 } }])
    assert.deepEqual(notesOf(await crashed.store.get(job.place)), { ...NOTES, saved: '3', log })
  })

  test('an acknowledged checkpoint survives a crash, whether the attempt is charged or not', async (t) => {
    for (const count of [1, 3]) {
      const opened = await open(t)
      const { store } = opened
      const lane = store.lane('a')
      await store.add(Array.from({ length: count }, (_, index) => newJob(lane, String(index))))
      const jobs = await claimNext(store)
      for (const job of jobs) {
        await store.checkpoint(job, Buffer.from('earlier'))
        assert.equal(await store.checkpoint(job, Buffer.from(`saved by ${textOf(job)}`)), true)
      }
      const crashed = await opened.crash()
      const again = await claimNext(crashed.store)
      assert.deepEqual(
        again.map((job) => [textOf(job), String(job.head.saved), job.attempt]),
        jobs.map((job) => [textOf(job), `saved by ${textOf(job)}`, count === 1 ? 2 : 1]),
      )
      const left = (await crashed.crash()).recovered
      assert.equal(left.returned, count)
    }
  })

  test('progress and logs survive a crash, but for the last of them', async (t) => {
    const { opened, store, job } = await running(open, t)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    store.note(job, { progress: PROGRESS, log: LOG })
    t.mock.timers.tick(200)
    t.mock.timers.reset()
    store.note(job, { progress: Buffer.from('later') })
    await store.add([newJob(store.lane('a'), 'other')])
    const crashed = await opened.crash()
    assert.deepEqual(notesOf(await crashed.store.get(job.place)), { progress: 'progress', log: LOG })
  })

  test('a job whose last attempt is lost in a crash has failed, with what it has noted', async (t) => {
    const { opened, store, job } = await running(open, t, 'job', { attempts: 1 })
    await noteAll(store, job)
    const crashed = await opened.crash()
    const stored = await crashed.store.get(job.place)
    assert.deepEqual([stored?.state, notesOf(stored).saved], ['failed', 'saved'])
    await revive(crashed.store, job.place, 1)
    const [again] = await claimNext(crashed.store)
    assert.equal(String(again?.head.saved), 'saved')
  })

  test('a job that is released or sent back has not started any more', async (t) => {
    const { opened, store, job } = await running(open, t)
    store.noteStarted(job, 1234)
    await store.settle([{ outcome: 'released', job }])
    const [again] = await claimNext(store)
    assert.ok(again)
    assert.equal(again.startedAt, undefined)
    await store.settle([{ outcome: 'failed', job: again, head: { attempt: 1, startedAt: 5678 } }])
    assert.equal((await store.get(job.place))?.head.startedAt, 5678)
    await revive(store, job.place, 1)
    for await (const each of nowAndAfterCrash(opened))
      assert.equal((await each.store.get(job.place))?.head.startedAt, undefined)
  })

  test('closing keeps what jobs in transit have noted until then', async (t) => {
    const { opened, store, job } = await running(open, t)
    store.note(job, { progress: PROGRESS })
    void store.checkpoint(job, SAVED)
    const reopened = await opened.reopen()
    assert.deepEqual(notesOf(await reopened.store.get(job.place)), { saved: 'saved', progress: 'progress' })
  })

  test('a job that has an outcome notes nothing more', async (t) => {
    const { opened, store, job } = await running(open, t)
    const settled = store.settle([{ outcome: 'retry', job, head: FAILED }])
    store.note(job, { progress: PROGRESS, log: LOG })
    assert.equal(await store.checkpoint(job, SAVED), false)
    await settled
    assert.deepEqual(notesOf(await store.get(job.place)), {})
    const { store: again, recovered } = await opened.reopen()
    assert.deepEqual(notesOf(await again.get(job.place)), {})
    assert.equal(recovered.returned, 0)
  })

  test('of a log the newest 100 lines are kept, or 16,384 characters, and how many there were before', async (t) => {
    const { store, job } = await running(open, t)
    const numbered = Array.from({ length: 250 }, (_, index) => `line ${index}`)
    for (let from = 0; from < 250; from += 50)
      store.note(job, { log: { lines: numbered.slice(from, from + 50), dropped: 2 } })
    assert.deepEqual((await store.get(job.place))?.head.log, { lines: numbered.slice(150), dropped: 160 })
    store.note(job, { log: { lines: ['x'.repeat(16_000), 'y'.repeat(385), 'z'.repeat(15_999)], dropped: 0 } })
    const { lines, dropped } = (await store.get(job.place))?.head.log ?? assert.fail()
    assert.deepEqual([lines.map((line) => line.length), dropped], [[385, 15_999], 261])
  })

  test('jobs that note much are removed, cancelled and pruned without a trace', async (t) => {
    const opened = await open(t, { keep: { cancelled: { count: 0 }, completed: { count: 0 } } })
    const { store } = opened
    const lane = store.lane('a')
    await store.add(['1', '2', '3'].map((text) => newJob(lane, text)))
    const [completed, cancelled, removed] = await claimNext(store)
    assert.ok(completed && cancelled && removed)
    for (const job of [completed, cancelled, removed]) await noteAll(store, job)
    await store.settle([
      { outcome: 'completed', job: completed, output: SAVED, startedAt: 1 },
      { outcome: 'cancelled', job: cancelled, head: {} },
      { outcome: 'released', job: removed },
    ])
    assert.equal(await remove(store, removed.place), true)
    for await (const each of nowAndAfterCrash(opened)) {
      assert.deepEqual(await each.store.list({ limit: 9 }), [])
      assert.deepEqual(each.recovered, { returned: 0, failed: 0, waiting: 0 })
    }
  })
}

/** A job in transit. */
async function running(open: OpenStore, t: TestContext, text = 'job', head: Head = {}) {
  const opened = await open(t)
  const { store } = opened
  await store.add([newJob(store.lane('a'), text, head)])
  const [job] = await claimNext(store)
  return { opened, store, job: job ?? assert.fail() }
}

async function noteAll(store: Store, job: Claimed): Promise<void> {
  store.note(job, { progress: PROGRESS, log: LOG })
  assert.equal(await store.checkpoint(job, SAVED), true)
}

/** What is kept of a job's notes, with its bytes as text. */
function notesOf(job: { head: Readonly<Head> } | undefined) {
  const { saved, progress, log } = job?.head ?? {}
  return {
    ...(saved && { saved: Buffer.from(saved).toString() }),
    ...(progress && { progress: Buffer.from(progress).toString() }),
    ...(log && { log }),
  }
}
