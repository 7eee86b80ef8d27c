import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JOB_STATES, type JobState, type Place } from '../../../src/job/job.js'
import type { ListQuery, Store } from '../../../src/store/store.js'
import { claimNext, newJob, type OpenStore, textOf } from '../../support/store.js'

const LATER = Date.now() + 3_600_000

export function listing(open: OpenStore): void {
  test('a job is found in every state, and one that is unknown is not', async (t) => {
    const opened = await open(t)
    const places = await oneInEachState(opened.store)
    for (const state of JOB_STATES) assert.equal((await opened.store.get(places[state]))?.state, state)
    assert.equal(await opened.store.get({ ...places.waiting, seq: 999_999 }), undefined)
    assert.equal(await opened.store.get({ ...places.waiting, priority: 1 }), undefined)
    assert.equal(await opened.store.get({ ...places.waiting, lane: 77 }), undefined)
    const { store } = await opened.reopen()
    for (const state of JOB_STATES)
      assert.equal((await store.get(places[state]))?.state, state === 'running' ? 'waiting' : state)
  })

  test('jobs are listed by states and lane', async (t) => {
    const { store } = await open(t)
    const places = await oneInEachState(store)
    const lane = places.waiting.lane
    await store.add([newJob(store.lane('other'), 'other')])
    for (const state of JOB_STATES)
      assert.deepEqual(await seqs(store, { states: [state], lane, limit: 10 }), [places[state].seq])
    assert.deepEqual(
      await seqs(store, { states: ['failed', 'running'], limit: 10 }),
      [places.running.seq, places.failed.seq].sort((a, b) => a - b),
    )
    assert.equal((await store.list({ limit: 100 })).length, JOB_STATES.length + 1)
    assert.equal((await store.list({ limit: 100, lane })).length, JOB_STATES.length)
    assert.deepEqual(await store.list({ limit: 100, lane: 55 }), [])
    assert.deepEqual(await store.list({ limit: 100, states: [] }), [])
  })

  test('jobs are listed in the order of their ids, page by page', async (t) => {
    const { store } = await open(t)
    const [b, a] = [store.lane('b'), store.lane('a')]
    const all: Place[] = []
    for (let index = 0; index < 30; index++) {
      const lane = index % 2 ? a : b
      const priority = (index % 5) - 2
      all.push(
        ...(await store.add([newJob(lane, '', { priority, ...(index % 3 === 0 && { runAt: LATER }) })])),
      )
    }
    // Some running, some done: the pages run through all states.
    const claimed = await claimNext(store, 9)
    await store.settle(claimed.slice(0, 4).map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
    const sorted = all.sort((x, y) => x.lane - y.lane || x.priority - y.priority || x.seq - y.seq)
    for (const limit of [1, 4, 29, 30]) {
      const found: Place[] = []
      for (;;) {
        const after = found.at(-1)
        const page = await store.list({ limit, ...(after && { after }) })
        if (page.length === 0) break
        assert.ok(page.length <= limit)
        found.push(...page.map(({ place }) => place))
      }
      assert.deepEqual(found, sorted)
    }
    const middle = sorted.find(({ lane }) => lane === a)
    assert.ok(middle)
    assert.deepEqual(
      (await store.list({ limit: 99, lane: a, after: middle })).map(({ place }) => place),
      sorted.filter(({ lane }) => lane === a).slice(1),
    )
  })

  test('a job that moves from state to state is always seen, in one of them', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const looks: Promise<void>[] = []
    for (let round = 0; round < 60; round++) {
      const [place] = await store.add([newJob(lane, `${round}`)])
      assert.ok(place)
      const [job] = await claimNext(store)
      assert.ok(job)
      let isSettled = false
      const settled = store
        .settle([{ outcome: 'completed', job, output: Buffer.from('out'), startedAt: 1 }])
        .then(() => {
          isSettled = true
        })
      while (!isSettled) {
        looks.push(
          store.get(place).then((found) => assertRunningOrDone(found?.state)),
          store.list({ limit: 1000 }).then((found) => {
            const own = found.filter((each) => each.place.seq === place.seq)
            assert.equal(own.length, 1, `listed as ${own.map(({ state }) => state)}`)
            assertRunningOrDone(own[0]?.state)
          }),
        )
        await new Promise((resolve) => setImmediate(resolve))
      }
      await settled
      assert.equal((await store.get(place))?.state, 'completed')
    }
    await Promise.all(looks)
  })

  test('what is read agrees with what was changed, and counted, in the same turn', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const [place] = await store.add([newJob(lane, 'x')])
    assert.ok(place)
    const [job] = await claimNext(store)
    assert.ok(job)
    const settled = store.settle([{ outcome: 'failed', job, head: { attempt: 1 } }])
    assert.equal(store.counts().failed, 1)
    const [found, listed] = await Promise.all([store.get(place), store.list({ limit: 9 })])
    assert.deepEqual([found?.state, listed.map(({ state }) => state)], ['failed', ['failed']])
    await settled
  })

  test('a page of waiting jobs is full though others of their lane run', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const texts = Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(3000))
    for (const text of texts) await store.add([newJob(lane, text)])
    await claimNext(store, 5)
    const page = await store.list({ states: ['waiting'], limit: 5 })
    assert.deepEqual(page.map(textOf), texts.slice(5, 10))
  })
  test('large jobs are listed whole', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const texts = Array.from({ length: 6 }, (_, index) => `${index}`.repeat(300_000))
    await store.add(texts.map((text) => newJob(lane, text)))
    assert.deepEqual((await store.list({ limit: 6 })).map(textOf), texts)
  })

  test('pages of jobs so large that a page holds fewer than asked for miss none', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const input = Buffer.alloc(1 << 22)
    const places: Place[] = []
    for (let index = 0; index < 18; index++)
      places.push(...(await store.add([{ lane, priority: 0, head: undefined, input }])))
    places.push(...(await store.add([newJob(lane, 'delayed', { runAt: LATER })])))
    const first = await store.list({ limit: 100 })
    const after = first.at(-1)?.place
    assert.ok(after)
    const rest = await store.list({ limit: 100, after })
    assert.deepEqual(
      [...first, ...rest].map(({ place }) => place),
      places,
    )
  })
}

function assertRunningOrDone(state: JobState | undefined): void {
  assert.ok(state === 'running' || state === 'completed', `seen as ${state}`)
}

async function seqs(store: Store, query: ListQuery): Promise<number[]> {
  return (await store.list(query)).map(({ place }) => place.seq)
}

async function oneInEachState(store: Store): Promise<Record<JobState, Place>> {
  const lane = store.lane('a')
  const [completed, failed, cancelled, running] = await store.add(
    ['completed', 'failed', 'cancelled', 'running'].map((text) => newJob(lane, text)),
  )
  const jobs = await claimNext(store)
  const [first, second] = jobs
  assert.ok(completed && failed && cancelled && running && first && second)
  await store.settle([
    { outcome: 'completed', job: first, output: Buffer.from('out'), startedAt: 1 },
    { outcome: 'failed', job: second, head: { attempt: 1 } },
    ...jobs.slice(2, 3).map((job) => ({ outcome: 'cancelled', job, head: {} }) as const),
  ])
  const [waiting, delayed] = await store.add([
    newJob(lane, 'waiting'),
    newJob(lane, 'delayed', { runAt: LATER }),
  ])
  assert.ok(waiting && delayed)
  return { waiting, delayed, running, completed, failed, cancelled }
}
