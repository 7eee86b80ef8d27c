/** A real store and the model, taking the same steps; they must agree after each. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Head, Place } from '../../src/job/job.js'
import type { Added, Claimed, NewJob, Recovered, Settlement, Store } from '../../src/store/store.js'
import { newJob, revive, textOf } from '../support/store.js'
import type { IsGone, Model, ModelJob } from './model.js'
import { settlementOf, timeOf } from './outcomes.js'
import { goneFrom, nameOf, seenInModel, seenInStore } from './seen.js'
import type { Adding, Changing, Claiming, Direct, Saving, Settling, Step } from './steps.js'

/** How the real store is opened again. */
export interface Real {
  readonly store: Store
  readonly recovered: Recovered
  reopen(): Promise<Real>
  crash(): Promise<Real>
}

/** What the store may be like after a crash, given which jobs it has no more. */
type Candidate = (isGone: IsGone) => Model
type Cleaning = Changing & { do: 'clean' }

const YEARS_MS = 5 * 365 * 24 * 3_600_000
const GRANTED = 2

export class Pair {
  #real: Real
  #model: Model
  readonly #lanes: number[]
  readonly #places = new Map<string, Place>()
  readonly #claimed = new Map<string, Claimed>()
  #names = 0
  #checkpoints = 0

  constructor(real: Real, model: Model, lanes: number) {
    this.#real = real
    this.#model = model
    this.#lanes = Array.from({ length: lanes }, (_, index) => real.store.lane(`task ${index}`))
  }

  async take(step: Step): Promise<void> {
    this.#model.beginStep()
    switch (step.do) {
      case 'together':
        await this.#together(step.direct, step.changes)
        break
      case 'prune':
        await this.#prune(step.isAllOld)
        break
      case 'reopen':
        this.#real = await this.#real.reopen()
        await this.#recover([candidateOf(this.#model)])
        break
      case 'crash':
        await this.#crash(step.begun, step.turns)
        break
      default:
        await this.#begin(step)
        if (step.do === 'settle') await this.#prune(false)
    }
    await this.#compare()
  }

  close(): Promise<void> {
    return this.#real.store.close()
  }

  get #store(): Store {
    return this.#real.store
  }

  /** Takes a step in both at once; compares the answers when the store has one. */
  #begin(step: Direct | Changing, jobs = this.#model.jobs): Promise<void> {
    if (step.do === 'add') return this.#add(step)
    if (step.do === 'claim') return this.#claim(step)
    if (step.do === 'settle') return this.#settle(step)
    if (step.do === 'save') return this.#save(step)
    return this.#change(step, jobs)
  }

  async #add({ isSingly, jobs }: Adding): Promise<void> {
    const names = jobs.map(() => `j${++this.#names}`)
    const lanes = jobs.map(({ lane }) => this.#lanes[lane] ?? 0)
    const holders = jobs.map(({ later, lane: _lane, ...job }, index) => {
      const own = { name: names[index] ?? '', lane: lanes[index] ?? 0, runAt: timeOf(later) }
      return this.#model.add({ ...job, ...own })
    })
    const fresh = jobs.map(({ later, priority, attempts, key }, index) => {
      const head: Head = { attempts, ...(key !== undefined && { key }) }
      const runAt = timeOf(later)
      return newJob(lanes[index] ?? 0, names[index] ?? '', { priority, ...head, ...(runAt > 0 && { runAt }) })
    })
    const added = await (isSingly ? this.#addSingly(fresh) : this.#store.add(fresh))
    for (const [index, name] of holders.entries()) {
      this.#learn(name, added[index])
      assert.equal(added[index]?.existed ?? false, name !== names[index])
    }
  }

  /** All of them at once, so that they join one group: a crash keeps them, or none. */
  async #addSingly(jobs: readonly NewJob[]): Promise<Added[]> {
    const additions = jobs.map((job) => this.#store.addOne(job))
    await Promise.all(additions.map(({ written }) => written))
    return additions.map(({ job }) => job.place)
  }

  async #claim({ most, skipped }: Claiming): Promise<void> {
    const lane = skipped === undefined ? undefined : this.#lanes[skipped]
    const expected = this.#model.claim(most, lane)
    let taken = 0
    const claim = this.#store.claim(({ place }) => {
      if (place.lane === lane) return 'skip'
      return taken++ < most ? 'take' : 'stop'
    })
    const jobs = claim?.jobs ?? []
    assert.deepEqual(
      jobs.map((job) => [textOf(job), job.attempt, job.alone]),
      expected.map(({ name, attempt, alone }) => [name, attempt + 1, alone]),
    )
    for (const job of jobs) this.#claimed.set(textOf(job), job)
    await claim?.written
  }

  async #save({ which }: Saving): Promise<void> {
    const { name } = choose(this.#model.inState('running'), which) ?? {}
    const job = name === undefined ? undefined : this.#claimed.get(name)
    if (name === undefined || !job) {
      // There is nothing to do. The step ends in its turn all the same: a read waits for what was begun before it.
      await this.#store.list({ limit: 1 })
      return
    }
    const saved = `checkpoint ${++this.#checkpoints}`
    this.#model.save(name, saved)
    assert.equal(await this.#store.checkpoint(job, Buffer.from(saved)), true)
  }

  async #settle({ jobs }: Settling): Promise<void> {
    const settlements: Settlement[] = []
    for (const { which, outcome, later } of jobs) {
      const { name } = choose(this.#model.inState('running'), which) ?? {}
      const job = name === undefined ? undefined : this.#claimed.get(name)
      if (name === undefined || !job) continue
      this.#claimed.delete(name)
      this.#model.settle(name, outcome, timeOf(later))
      settlements.push(settlementOf(job, name, outcome, later))
    }
    await this.#store.settle(settlements)
  }

  async #change(step: Changing, jobs: readonly ModelJob[]): Promise<void> {
    if (step.do === 'promote') {
      const expected = this.#model.promote(timeOf(step.later))
      return assert.equal(await this.#store.promote(timeOf(step.later)), expected)
    }
    if (step.do === 'clean') {
      const cleaned = await this.#clean(step)
      const { state, limit, lane } = step
      return assert.equal(cleaned, this.#model.clean(state, limit, this.#laneOf(lane), await this.#gone()))
    }
    const { name } = choose(jobs, step.which) ?? {}
    const place = name === undefined ? undefined : this.#places.get(name)
    if (name === undefined || !place) return
    const isThere = this.#model.jobs.some((job) => job.name === name)
    if (step.do === 'revive') {
      const expected = isThere && this.#model.revive(name, GRANTED)
      assert.equal(await revive(this.#store, place, GRANTED), expected)
    } else {
      const expected = isThere && this.#model[step.do](name)
      assert.equal(await this.#store.changeOne(place, { verb: step.do }), expected, step.do)
    }
  }

  /** Changes read before they write, one after the other: they take effect after what is direct. */
  async #together(direct: readonly Direct[], changes: readonly Changing[]): Promise<void> {
    // Of a job that is being settled, a change may see one state or the other.
    const quiet = this.#model.jobs.filter(({ state }) => state !== 'running')
    const begun = [...direct, ...changes].map((step) => this.#begin(step, quiet))
    await Promise.all(begun)
    await this.#prune(false)
  }

  async #prune(isAllOld: boolean): Promise<void> {
    await this.#store.prune(Date.now() + (isAllOld ? YEARS_MS : 0))
    this.#model.prune(await this.#gone(), isAllOld)
  }

  /**
   * Whatever of the steps had ended is there; of the others, in the order in which they were begun, the first so many are and
   * the rest are not. Cleaning alone is no single write: the oldest jobs may be gone and the others not.
   */
  async #crash(begun: readonly (Direct | Changing)[], turns: readonly number[]): Promise<void> {
    const candidates: Candidate[] = [candidateOf(this.#model)]
    const ended: Promise<void>[] = []
    let durable = 0
    for (const [index, step] of begun.entries()) {
      const began = step.do === 'clean' ? this.#clean(step).then(() => {}) : this.#begin(step)
      ended.push(
        began.then(() => {
          durable = Math.max(durable, index + 1)
        }),
      )
      if (step.do === 'clean') candidates.push(...this.#partsOf(step))
      else candidates.push(candidateOf(this.#model))
      for (let turn = 0; turn < (turns[index] ?? 0); turn++)
        await new Promise((resolve) => setImmediate(resolve))
    }
    const possible = durable === begun.length ? candidates.slice(-1) : candidates.slice(durable)
    this.#real = await this.#real.crash()
    await Promise.all(ended)
    await this.#recover(possible)
  }

  #clean({ state, limit, lane }: Cleaning): Promise<number> {
    return this.#store.clean(state, Date.now() + 1, limit, this.#laneOf(lane))
  }

  #partsOf({ state, limit, lane }: Cleaning): Candidate[] {
    const before = this.#model.clone()
    return Array.from({ length: limit + 1 }, (_, count) => (isGone: IsGone) => {
      const part = before.clone()
      part.clean(state, count, this.#laneOf(lane), isGone)
      return part
    })
  }

  #laneOf(index: number | undefined): number | undefined {
    return index === undefined ? undefined : this.#lanes[index]
  }

  /** Which jobs the store has no more. */
  async #gone(): Promise<IsGone> {
    return goneFrom(await this.#store.list({ limit: 1000 }))
  }

  /** After an open: takes the first of the models that agrees with what was found, when it has recovered too. */
  async #recover(candidates: readonly Candidate[]): Promise<void> {
    this.#claimed.clear()
    for (const [index, lane] of this.#lanes.entries()) assert.equal(this.#store.lane(`task ${index}`), lane)
    await this.#store.prune(Date.now())
    const found = await this.#store.list({ limit: 1000 })
    const actual = [this.#real.recovered, found.map(seenInStore)]
    const isGone = goneFrom(found)
    const possible = candidates.map((candidate) => candidate(isGone))
    const expected = possible.map((model) => {
      const recovered = model.recover()
      model.prune(isGone)
      return [recovered, model.jobs.map(seenInModel)]
    })
    const index = expected.findIndex((each) => isDeepStrictEqual(each, actual))
    if (index < 0) assert.deepEqual(actual, expected.at(-1))
    this.#model = possible[index] ?? this.#model
    // A number that was given out and not written is given out again.
    this.#places.clear()
    for (const job of found) this.#learn(nameOf(job), job.place)
  }

  async #compare(): Promise<void> {
    const found = await this.#store.list({ limit: 1000 })
    assert.deepEqual(found.map(seenInStore), this.#model.jobs.map(seenInModel))
    for (const job of found) this.#learn(nameOf(job), job.place)
    assert.deepEqual(this.#store.counts(), this.#model.counts())
    for (const lane of this.#lanes) assert.deepEqual(this.#store.counts(lane), this.#model.counts(lane))
    assert.equal(this.#store.nextDue(), this.#model.nextDue)
  }

  #learn(name: string, place: Place | undefined): void {
    assert.ok(place)
    const { lane, priority, seq } = place
    const known = this.#places.get(name)
    if (known) assert.deepEqual({ lane, priority, seq }, known)
    else this.#places.set(name, { lane, priority, seq })
  }
}

function candidateOf(model: Model): Candidate {
  const now = model.clone()
  return () => now
}

function choose(jobs: readonly ModelJob[], which: number): ModelJob | undefined {
  return jobs[which % jobs.length]
}
