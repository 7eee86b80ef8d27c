/** What tests know of many jobs: their texts, places and states; how they are listed, and how they are completed. */
import assert from 'node:assert/strict'
import type { JobState, Place, StoredJob } from '../../../src/job/job.js'
import type { Claimed, NewJob, Settlement, Store } from '../../../src/store/store.js'
import type { chanceOf } from '../../support/chance.js'
import { cancel, claimNext, newJob, type OpenedStore, remove, revive, textOf } from '../../support/store.js'

const LATER = Date.now() + 3_600_000

/** A store, and what of its jobs is known: their text, place and state. */
export class KnownJobs {
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
        assert.equal(await cancel(this.#store, place), isIdle, text)
        if (isIdle) this.#know(text, 'cancelled')
      } else if (what === 1) {
        const isRevived = state === 'failed' || state === 'cancelled' || state === 'delayed'
        assert.equal(await revive(this.#store, place, 1), isRevived, text)
        if (isRevived) this.#know(text, 'waiting')
      } else if (this.#chance.below(3) === 0) {
        assert.equal(await remove(this.#store, place), state !== 'running', text)
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

/** The job has completed; its output is its input. */
export const completed = (job: Claimed): Settlement => ({
  outcome: 'completed',
  job,
  output: Buffer.from(textOf(job)),
  startedAt: 1,
})

/** Everything, page by page. */
export async function pages(store: Store, limit: number, lane?: number): Promise<StoredJob[]> {
  const found: StoredJob[] = []
  for (;;) {
    const after = found.at(-1)?.place
    const page = await store.list({ limit, ...(after && { after }), ...(lane !== undefined && { lane }) })
    assert.ok(page.length <= limit)
    if (page.length === 0) return found
    found.push(...page)
  }
}
