/** What a store is to do, in a few lines of memory: the model that the real one is compared with. */
import { FINISHED_STATES, type FinishedState, type JobCounts, type JobState } from '../../src/job/job.js'

export interface ModelJob {
  /** Its input's text, by which it is known. */
  readonly name: string
  readonly lane: number
  readonly priority: number
  /** Which job it is, in the order of adding. */
  readonly age: number
  readonly key: string | undefined
  readonly attempts: number
  state: JobState
  attempt: number
  failures: number
  granted: number
  alone: boolean
  /** Its last checkpoint. */
  saved: string | undefined
  runAt: number
}

export type Counts = Record<FinishedState, number>
export type Outcome = 'completed' | 'failed' | 'cancelled' | 'retry' | 'released' | 'alone'

interface Finished {
  readonly name: string
  readonly moment: number
}

/** Of jobs that finished in one step the store may delete any first: which of them it has deleted. */
export type IsGone = (name: string) => boolean

export class Model {
  readonly #keep: Counts
  #jobs: ModelJob[] = []
  /** The unsettled jobs of each waybill. */
  #waybills: Set<string>[] = []
  /** In the order of finishing. */
  #finished: Finished[] = []
  #moment = 0
  #added = 0

  /** How many finished jobs of each state are kept. */
  constructor(keep: Counts) {
    this.#keep = keep
  }

  clone(): Model {
    const clone = new Model(this.#keep)
    clone.#jobs = this.#jobs.map((job) => ({ ...job }))
    clone.#waybills = this.#waybills.map((names) => new Set(names))
    clone.#finished = [...this.#finished]
    clone.#moment = this.#moment
    clone.#added = this.#added
    return clone
  }

  /** What finishes from now on is newer than what has finished. */
  beginStep(): void {
    this.#moment++
  }

  /** In the order of ids. */
  get jobs(): readonly ModelJob[] {
    return this.#jobs.sort((a, b) => a.lane - b.lane || a.priority - b.priority || a.age - b.age)
  }

  inState(...states: JobState[]): ModelJob[] {
    return this.jobs.filter(({ state }) => states.includes(state))
  }

  counts(lane?: number): JobCounts {
    const counts = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
    for (const job of this.#jobs) if (lane === undefined || job.lane === lane) counts[job.state]++
    return counts
  }

  get nextDue(): number | undefined {
    const times = this.inState('delayed').map(({ runAt }) => runAt)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  /** The name of the job that there is then. */
  add(job: Pick<ModelJob, 'name' | 'lane' | 'priority' | 'key' | 'attempts' | 'runAt'>): string {
    const holder = this.#jobs.find(
      ({ lane, key }) => key !== undefined && lane === job.lane && key === job.key,
    )
    if (holder) return holder.name
    const state = job.runAt > 0 ? 'delayed' : 'waiting'
    const none = { attempt: 0, failures: 0, granted: 0, alone: false, saved: undefined } as const
    this.#jobs.push({ ...job, ...none, state, age: this.#added++ })
    return job.name
  }

  claim(most: number, skipped: number | undefined): ModelJob[] {
    const claimed = this.inState('waiting')
      .filter(({ lane }) => lane !== skipped)
      .sort((a, b) => a.priority - b.priority || a.age - b.age)
      .slice(0, most)
    for (const job of claimed) job.state = 'running'
    if (claimed.length > 0) this.#waybills.push(new Set(claimed.map(({ name }) => name)))
    return claimed
  }

  save(name: string, saved: string): void {
    this.#job(name).saved = saved
  }

  settle(name: string, outcome: Outcome, runAt: number): void {
    const job = this.#job(name)
    for (const names of this.#waybills) names.delete(name)
    if (outcome === 'completed' || outcome === 'failed' || outcome === 'retry') job.attempt++
    if (outcome === 'failed' || outcome === 'retry') job.failures++
    if (outcome === 'alone') job.alone = true
    if (outcome === 'completed') job.saved = undefined
    if (outcome === 'completed' || outcome === 'failed' || outcome === 'cancelled') this.#finish(job, outcome)
    else this.#wait(job, outcome === 'retry' ? runAt : 0)
  }

  promote(now: number): number {
    const due = this.inState('delayed').filter(({ runAt }) => runAt <= now)
    for (const job of due) this.#wait(job, 0)
    return due.length
  }

  cancel(name: string): boolean {
    const job = this.#job(name)
    if (job.state !== 'waiting' && job.state !== 'delayed') return false
    this.#finish(job, 'cancelled')
    return true
  }

  revive(name: string, attempts: number): boolean {
    const job = this.#job(name)
    if (job.state === 'waiting' || job.state === 'running' || job.state === 'completed') return false
    if (job.state !== 'delayed') job.granted += attempts
    this.#finished = this.#finished.filter((other) => other.name !== name)
    this.#wait(job, 0)
    return true
  }

  remove(name: string): boolean {
    if (this.#job(name).state === 'running') return false
    this.#delete([name])
    return true
  }

  clean(state: FinishedState, limit: number, lane: number | undefined, isGone: IsGone): number {
    const names = this.#finishedAs(state, isGone).filter(
      (name) => lane === undefined || this.#job(name).lane === lane,
    )
    return this.#delete(names.slice(0, limit))
  }

  /** Deletes what is too much, or all that is finished. */
  prune(isGone: IsGone, isAllOld = false): void {
    for (const state of FINISHED_STATES) {
      const names = this.#finishedAs(state, isGone)
      this.#delete(isAllOld ? names : names.slice(0, Math.max(0, names.length - this.#keep[state])))
    }
  }

  /** What opening does about jobs in transit. */
  recover(): { returned: number; failed: number; waiting: number } {
    let [returned, failed] = [0, 0]
    for (const names of this.#waybills.splice(0)) {
      this.beginStep()
      for (const name of names) {
        const job = this.#job(name)
        job.alone = true
        const isCharged = names.size === 1
        if (isCharged) {
          job.attempt++
          job.failures++
        }
        if (isCharged && job.attempt >= job.attempts + job.granted) {
          this.#finish(job, 'failed')
          failed++
        } else {
          this.#wait(job, 0)
          returned++
        }
      }
    }
    return { returned, failed, waiting: this.inState('waiting', 'delayed').length }
  }

  #job(name: string): ModelJob {
    const job = this.#jobs.find((each) => each.name === name)
    if (!job) throw new Error(`the model has no job ${name}`)
    return job
  }

  #wait(job: ModelJob, runAt: number): void {
    job.state = runAt > 0 ? 'delayed' : 'waiting'
    job.runAt = runAt
  }

  #finish(job: ModelJob, state: FinishedState): void {
    job.state = state
    this.#finished.push({ name: job.name, moment: this.#moment })
    if (this.#keep[state] === 0) this.#delete([job.name])
  }

  /** The oldest first. */
  #finishedAs(state: FinishedState, isGone: IsGone): string[] {
    return this.#finished
      .filter(({ name }) => this.#job(name).state === state)
      .sort((a, b) => a.moment - b.moment || Number(isGone(b.name)) - Number(isGone(a.name)))
      .map(({ name }) => name)
  }

  #delete(names: readonly string[]): number {
    this.#jobs = this.#jobs.filter(({ name }) => !names.includes(name))
    this.#finished = this.#finished.filter(({ name }) => !names.includes(name))
    return names.length
  }
}
