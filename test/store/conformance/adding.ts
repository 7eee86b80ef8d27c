import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimNext, newJob, type OpenStore, textOf, waitingTexts } from '../../support/store.js'

const NOTHING = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }

export function adding(open: OpenStore): void {
  test('a new store is empty', async (t) => {
    const { store, recovered } = await open(t)
    assert.deepEqual(store.counts(), NOTHING)
    assert.deepEqual(recovered, { returned: 0, failed: 0, waiting: 0 })
    assert.deepEqual([store.tasks(), store.task(0), store.nextDue()], [[], undefined, undefined])
    assert.deepEqual(await store.list({ limit: 10 }), [])
    assert.deepEqual(await claimNext(store), [])
  })

  test('a task keeps its lane, after a reopen too', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lanes = ['a', 'b', 'naïve ☂'].map((task) => store.lane(task))
    assert.equal(new Set(lanes).size, 3)
    assert.equal(store.lane('a'), lanes[0])
    await store.add(lanes.map((lane) => newJob(lane, 'x')))
    const again = (await opened.reopen()).store
    assert.deepEqual(
      lanes.map((lane) => again.task(lane)),
      ['a', 'b', 'naïve ☂'],
    )
    assert.deepEqual(again.tasks(), ['a', 'b', 'naïve ☂'])
    assert.deepEqual(
      ['a', 'b', 'naïve ☂', 'c'].map((task) => lanes.indexOf(again.lane(task))),
      [0, 1, 2, -1],
    )
  })

  test('what is added together and one after the other gets growing places, after a reopen and a crash too', async (t) => {
    let opened = await open(t)
    const lane = opened.store.lane('a')
    const seqs: number[] = []
    for (let round = 0; round < 4; round++) {
      const { store } = opened
      const adds = [
        store.add([newJob(lane, 'x'), newJob(lane, 'y')]),
        store.add([newJob(lane, 'z', { priority: -1 })]),
      ]
      for (const place of (await Promise.all(adds)).flat()) seqs.push(place.seq)
      opened = await (round % 2 === 0 ? opened.reopen() : opened.crash())
    }
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    )
    assert.equal(seqs.length, 12)
  })

  test('a place names the lane and the priority, from the lowest to the highest', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const places = await store.add(
      [32_767, -32_768, 0].map((priority) => newJob(lane, `${priority}`, { priority })),
    )
    assert.deepEqual(
      places.map((place) => [place.lane, place.priority]),
      [32_767, -32_768, 0].map((priority) => [lane, priority]),
    )
    assert.deepEqual(await waitingTexts(store), ['-32768', '0', '32767'])
  })

  test('every byte of an input and every option of a job is there after a reopen', async (t) => {
    const opened = await open(t)
    const lane = opened.store.lane('a')
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const head = {
      attempts: 7,
      timeout: 1234,
      backoff: 5,
      meta: Uint8Array.of(0xf6),
      key: 'a key',
    }
    const before = Date.now()
    const [plain, rich, empty] = await opened.store.add([
      { lane, priority: 0, head: undefined, input: bytes },
      { lane, priority: 1, head, input: new Uint8Array(100_000).fill(9) },
      { lane, priority: 2, head: undefined, input: new Uint8Array(0) },
    ])
    const { store } = await opened.reopen()
    assert.ok(plain && rich && empty)
    const [first, second, third] = await Promise.all([plain, rich, empty].map((place) => store.get(place)))
    assert.deepEqual(
      [first?.state, first?.place, first?.head, Uint8Array.from(first?.body ?? [])],
      ['waiting', plain, {}, bytes],
    )
    assert.ok(first && first.enqueuedAt >= before && first.enqueuedAt <= Date.now())
    assert.deepEqual({ ...second?.head, meta: Uint8Array.from(second?.head.meta ?? []) }, head)
    assert.deepEqual(Uint8Array.from(second?.body ?? []), new Uint8Array(100_000).fill(9))
    assert.equal(third?.body.byteLength, 0)
    const [claimed] = await claimNext(store, 1)
    assert.deepEqual(Uint8Array.from(claimed?.input ?? []), bytes)
  })

  test('jobs that are added in one call are all stored by a crash right after, or none', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    const acknowledged = await store.add([newJob(lane, 'first')])
    const all = Array.from({ length: 500 }, (_, index) => newJob(lane, `${index}`))
    const adding = store.add(all)
    // Two turns on, the write has begun; whether it is done is the disk's affair.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    const crashed = await opened.crash()
    await adding
    const { waiting } = crashed.store.counts()
    assert.ok(waiting === 1 || waiting === 501, `${waiting} jobs`)
    assert.equal((await crashed.store.list({ limit: 1000 })).length, waiting)
    assert.deepEqual((await crashed.store.get(acknowledged[0] ?? assert.fail()))?.state, 'waiting')
  })

  test('adding and claiming go on side by side, and each job is claimed once', async (t) => {
    const { store } = await open(t)
    const lane = store.lane('a')
    const texts = Array.from({ length: 300 }, (_, index) => `${index}`)
    const claimed: string[] = []
    for (const text of texts) {
      const added = store.add([newJob(lane, text)])
      for (const job of await claimNext(store, 2)) claimed.push(textOf(job))
      await added
    }
    for (const job of await claimNext(store)) claimed.push(textOf(job))
    assert.deepEqual(claimed, texts)
  })
}
