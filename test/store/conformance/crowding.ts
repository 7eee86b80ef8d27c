import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobState, Place, StoredJob } from '../../../src/job/job.js'
import type { Claimed, NewJob, Settlement, Store } from '../../../src/store/store.js'
import { chanceOf } from '../../support/chance.js'
import {
  claimNext,
  newJob,
  nowAndAfterCrash,
  type OpenedStore,
  type OpenStore,
  textOf,
} from '../../support/store.js'

const LATER = Date.now() + 3_600_000

/** Many small jobs that come in, or finish, together: an engine may store them together, and nobody must notice. */
export function crowding(open: OpenStore): void {
  for (const count of [1, 3, 4, 5, 255, 256, 257, 1000])
    test(`${count} small jobs that are added at once are all there, in their order`, async (t) => {
      const opened = await open(t)
      const lane = opened.store.lane('a')
      const texts = Array.from({ length: count }, (_, index) => `job ${index}`)
      const places = await opened.store.add(texts.map((text) => newJob(lane, text)))
      assert.equal(new Set(places.map(({ seq }) => seq)).size, count)
      for await (const { store } of nowAndAfterCrash(opened)) {
        for (const limit of [3, 100, count]) assert.deepEqual((await pages(store, limit)).map(textOf), texts)
        assert.deepEqual((await claimNext(store)).map(textOf), texts)
        assert.equal((await claimNext(store)).length, 0)
      }
    })

  test('jobs that are added one by one in one turn are all there, in their order', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    const additions = Array.from({ length: 300 }, (_, index) =>
      opened.store.addOne(newJob(index % 3 === 0 ? b : a, `${index}`)),
    )
    await Promise.all(additions.map(({ written }) => written))
    for await (const { store } of nowAndAfterCrash(opened)) {
      for (const { job } of additions) {
        const found = await store.get(job.place)
        assert.deepEqual([found?.state, found && textOf(found)], ['waiting', textOf(job)])
      }
      assert.deepEqual(
        (await claimNext(store)).map(textOf),
        additions.map((_, index) => `${index}`),
      )
    }
  })

  for (const seed of [1, 2])
    test(`whatever becomes of single ones among many, the others are untouched (seed ${seed})`, async (t) => {
      const chance = chanceOf(seed)
      const known = new Known(await open(t), chance)
      for (let round = 0; round < 4; round++) {
        await known.add()
        await known.settle()
        await known.change()
        if (round % 2 === 1) await known.crash()
        await known.check()
      }
      await known.reopen()
      await known.check()
    })

  test('a backlog of many more than memory holds is claimed whole and in order, and what is urgent comes first', async (t) => {
    const opened = await open(t)
    const { store } = opened
    const lane = store.lane('a')
    const of = (prefix: string, count: number, priority: number) =>
      Array.from({ length: count }, (_, index) => newJob(lane, `${prefix}${index}`, { priority }))
    const usual = of('usual ', 18_000, 0)
    for (let at = 0; at < usual.length; at += 900) await store.add(usual.slice(at, at + 900))
    const first = await claimNext(store, 100)
    await store.add(of('urgent ', 700, -1))
    await store.settle(first.slice(0, 50).map(completed))
    await store.settle(first.slice(50).map((job) => ({ outcome: 'released', job })))
    const rest = await claimAll(store, 17_950 + 700)
    const names = (prefix: string, from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `${prefix}${from + index}`)
    assert.deepEqual(rest.map(textOf), [...names('urgent ', 0, 700), ...names('usual ', 50, 18_000)])
    assert.equal(store.counts().waiting, 0)
    await store.settle(rest.filter((_, index) => index % 7 !== 0).map(completed))
    const again = (await opened.crash()).store
    const left = rest.filter((_, index) => index % 7 === 0)
    assert.deepEqual((await claimAll(again, left.length)).map(textOf), left.map(textOf))
    assert.equal(again.counts().completed, 18_700 - left.length)
  })

  for (const bytes of [1, 900])
    test(`jobs that complete together, out of order, with outputs of ${bytes} bytes are listed in order`, async (t) => {
      const chance = chanceOf(3)
      const opened = await open(t)
      const texts = Array.from({ length: 200 }, (_, index) => `${index}`)
      await opened.store.add(texts.map((text) => newJob(opened.store.lane('a'), text)))
      const jobs = await claimNext(opened.store)
      const outputOf = (text: string) => Buffer.from(text.padEnd(bytes, '.'))
      const parts: Claimed[][] = [[], [], [], []]
      // The first part in order, as one thread sends them; the others as they come.
      for (const job of jobs) parts[chance.below(4)]?.[chance.is(0.5) ? 'push' : 'unshift'](job)
      parts[0]?.sort((a, b) => a.place.seq - b.place.seq)
      await Promise.all(
        parts.map((part) =>
          opened.store.settle(part.map((job) => ({ ...completed(job), output: outputOf(textOf(job)) }))),
        ),
      )
      for await (const { store } of nowAndAfterCrash(opened)) {
        const found = await pages(store, 30)
        assert.deepEqual(
          found.map(({ body }) => Buffer.from(body)),
          texts.map(outputOf),
        )
        assert.equal(store.counts().completed, 200)
        for (const { place } of jobs) assert.equal((await store.get(place))?.state, 'completed')
      }
    })

  test('of many that completed together just the newest so many are kept', async (t) => {
    const opened = await open(t, { keep: { completed: { count: 10 } } })
    const texts = await completeMany(opened.store, opened.store.lane('a'), 100)
    await opened.store.prune(Date.now())
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual((await store.list({ limit: 200 })).map(textOf), texts.slice(90))
      assert.equal(store.counts().completed, 10)
    }
    const { store } = await opened.reopen()
    const more = await completeMany(store, store.lane('a'), 4)
    await store.prune(Date.now())
    assert.deepEqual((await store.list({ limit: 200 })).map(textOf), [...texts.slice(94), ...more])
    await store.prune(Date.now() + 1)
    assert.equal(store.counts().completed, 10)
  })

  test('of many that completed together all go when they are too old', async (t) => {
    const opened = await open(t, { keep: { completed: { age: 3_600_000 } } })
    await completeMany(opened.store, opened.store.lane('a'), 100)
    await opened.store.prune(Date.now() + 3_000_000)
    assert.equal(opened.store.counts().completed, 100)
    await opened.store.prune(Date.now() + 3_700_000)
    for await (const { store } of nowAndAfterCrash(opened))
      assert.deepEqual([await store.list({ limit: 9 }), store.counts().completed], [[], 0])
  })

  test('of many that completed together clean deletes as many as it is told, of the lane that it is told', async (t) => {
    const opened = await open(t)
    const [a, b] = [opened.store.lane('a'), opened.store.lane('b')]
    const jobs = Array.from({ length: 60 }, (_, index) => newJob(index % 2 ? b : a, `${index}`))
    await opened.store.add(jobs)
    await opened.store.settle((await claimNext(opened.store)).map(completed))
    const { store } = opened
    const soon = Date.now() + 1
    assert.equal(await store.clean('completed', soon, 7, b), 7)
    assert.deepEqual([store.counts(a).completed, store.counts(b).completed], [30, 23])
    assert.equal(await store.clean('completed', soon, 40), 40)
    assert.equal(store.counts().completed, 13)
    const left = await store.list({ limit: 100 })
    assert.equal(left.length, 13)
    const again = (await opened.crash()).store
    assert.deepEqual(await again.list({ limit: 100 }), left)
    assert.equal(await again.clean('completed', soon, Number.POSITIVE_INFINITY), 13)
    assert.deepEqual(await again.list({ limit: 100 }), [])
  })

  test('one of many that completed together is removed, and later the others are', async (t) => {
    const opened = await open(t)
    const texts = await completeMany(opened.store, opened.store.lane('a'), 50)
    const all = await opened.store.list({ limit: 100 })
    for (const index of [0, 20, 49]) {
      const { place } = all[index] ?? assert.fail('it is there')
      assert.equal(await opened.store.remove(place), true)
      assert.equal(await opened.store.remove(place), false)
      assert.equal(await opened.store.get(place), undefined)
    }
    const rest = texts.filter((_, index) => ![0, 20, 49].includes(index))
    for await (const { store } of nowAndAfterCrash(opened)) {
      assert.deepEqual((await store.list({ limit: 100 })).map(textOf), rest)
      assert.equal(store.counts().completed, 47)
    }
    const { store } = await opened.reopen()
    assert.equal(await store.clean('completed', Date.now() + 1, 5), 5)
    assert.deepEqual((await store.list({ limit: 100 })).map(textOf), rest.slice(5))
    for (const { place } of await store.list({ limit: 100 })) assert.equal(await store.remove(place), true)
    assert.deepEqual([await store.list({ limit: 100 }), store.counts().completed], [[], 0])
  })
}

const completed = (job: Claimed): Settlement => ({
  outcome: 'completed',
  job,
  output: Buffer.from(textOf(job)),
  startedAt: 1,
})

/** Adds so many and completes them at once. Their texts. */
async function completeMany(store: Store, lane: number, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => `${count}-${index}`)
  await store.add(texts.map((text) => newJob(lane, text)))
  await store.settle((await claimNext(store)).map(completed))
  return texts
}

/** Claims so many jobs, however often it has to be asked. */
async function claimAll(store: Store, count: number): Promise<Claimed[]> {
  const jobs: Claimed[] = []
  while (jobs.length < count) {
    jobs.push(...(await claimNext(store, 1300)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return jobs
}

/** Everything, page by page. */
async function pages(store: Store, limit: number, lane?: number): Promise<StoredJob[]> {
  const found: StoredJob[] = []
  for (;;) {
    const after = found.at(-1)?.place
    const page = await store.list({ limit, ...(after && { after }), ...(lane !== undefined && { lane }) })
    assert.ok(page.length <= limit)
    if (page.length === 0) return found
    found.push(...page)
  }
}

/** A store, and what of its jobs is known: their text, place and state. */
class Known {
  #opened: OpenedStore
  readonly #chance: ReturnType<typeof chanceOf>
  readonly #jobs = new Map<string, { place: Place; state: JobState }>()
  #added = 0

  constructor(opened: OpenedStore, chance: ReturnType<typeof chanceOf>) {
    this.#opened = opened
    this.#chance = chance
  }

  get #store(): Store {
    return this.#opened.store
  }

  /** Some hundred at once, of two lanes and three priorities, now and then a large one. */
  async add(): Promise<void> {
    const lanes = [this.#store.lane('a'), this.#store.lane('b')]
    const jobs: NewJob[] = []
    for (let count = 40 + this.#chance.below(60); count > 0; count--) {
      const text = `${++this.#added}:${'x'.repeat(this.#chance.below(10) === 0 ? 3000 : 5)}`
      const priority = [0, 0, 0, 0, -1, 7][this.#chance.below(6)] ?? 0
      jobs.push(newJob(lanes[Math.floor(this.#chance.below(5) / 4)] ?? 0, text, { priority }))
    }
    const places = await this.#store.add(jobs)
    for (const [index, job] of jobs.entries())
      this.#jobs.set(textOf(job), { place: places[index] ?? assert.fail('no place'), state: 'waiting' })
  }

  /** Claims a part of them in several waybills, and settles most of them in any order, some at a time. */
  async settle(): Promise<void> {
    const claimed: Claimed[] = []
    for (let waybill = 0; waybill < 3; waybill++)
      claimed.push(...(await claimNext(this.#store, 5 + this.#chance.below(40))))
    for (const job of claimed) this.#know(textOf(job), 'running')
    while (claimed.length > 4) {
      const some: Claimed[] = []
      for (let count = 1 + this.#chance.below(12); count > 0 && claimed.length > 4; count--)
        some.push(...claimed.splice(this.#chance.below(claimed.length), 1))
      await this.#store.settle(some.map((job) => this.#outcomeOf(job)))
    }
  }

  /** Cancels, removes and revives single ones. */
  async change(): Promise<void> {
    for (let count = 0; count < 25; count++) {
      const texts = [...this.#jobs.keys()]
      const text = texts[this.#chance.below(texts.length)] ?? ''
      const { place, state } = this.#jobs.get(text) ?? assert.fail(text)
      const isIdle = state === 'waiting' || state === 'delayed'
      const what = this.#chance.below(3)
      if (what === 0) {
        assert.equal(await this.#store.cancel(place), isIdle, text)
        if (isIdle) this.#know(text, 'cancelled')
      } else if (what === 1) {
        const isRevived = state === 'failed' || state === 'cancelled' || state === 'delayed'
        assert.equal(await this.#store.revive(place, 1), isRevived, text)
        if (isRevived) this.#know(text, 'waiting')
      } else if (this.#chance.below(3) === 0) {
        assert.equal(await this.#store.remove(place), state !== 'running', text)
        if (state !== 'running') this.#jobs.delete(text)
      }
    }
  }

  async crash(): Promise<void> {
    this.#opened = await this.#opened.crash()
    this.#recovered()
  }

  async reopen(): Promise<void> {
    this.#opened = await this.#opened.reopen()
    this.#recovered()
  }

  /** What is listed, counted and found is what is known. */
  async check(): Promise<void> {
    const sorted = [...this.#jobs].sort(
      ([, { place: a }], [, { place: b }]) => a.lane - b.lane || a.priority - b.priority || a.seq - b.seq,
    )
    for (const lane of [undefined, this.#store.lane('a'), this.#store.lane('b')]) {
      const expected = sorted.filter(([, { place }]) => lane === undefined || place.lane === lane)
      for (const limit of lane === undefined ? [7, 100] : [1, 3, 1000])
        assert.deepEqual(
          (await pages(this.#store, limit, lane)).map((job) => [textOf(job), job.state, job.place]),
          expected.map(([text, { state, place }]) => [text, state, place]),
        )
      const counts = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
      for (const [, { state }] of expected) counts[state]++
      assert.deepEqual(this.#store.counts(lane), counts)
    }
    for (const [text, { place, state }] of sorted) {
      const found = await this.#store.get(place)
      assert.deepEqual([found && textOf(found), found?.state], [text, state])
    }
  }

  #know(text: string, state: JobState): void {
    const job = this.#jobs.get(text) ?? assert.fail(`${text} is unknown`)
    job.state = state
  }

  /** Jobs have no lack of attempts here. */
  #recovered(): void {
    for (const job of this.#jobs.values()) if (job.state === 'running') job.state = 'waiting'
  }

  #outcomeOf(job: Claimed): Settlement {
    const text = textOf(job)
    const head = { ...job.head, attempt: 0 }
    switch (this.#chance.below(9)) {
      case 0:
        this.#know(text, 'failed')
        return { outcome: 'failed', job, head }
      case 1:
        this.#know(text, 'cancelled')
        return { outcome: 'cancelled', job, head: job.head }
      case 2:
        this.#know(text, 'delayed')
        return { outcome: 'retry', job, head: { ...head, runAt: LATER } }
      case 3:
        this.#know(text, 'waiting')
        return { outcome: 'retry', job, head: { ...head, runAt: 1 } }
      case 4:
        this.#know(text, 'waiting')
        return { outcome: 'released', job, alone: this.#chance.below(2) === 0 }
      default:
        this.#know(text, 'completed')
        return completed(job)
    }
  }
}
