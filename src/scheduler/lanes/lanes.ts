/**
 * The lanes of the tasks that have a worker module here. A lane is made when its task is first met. Lanes of other tasks hold jobs
 * that an earlier process has left: these jobs wait until a process has a worker for them.
 */

import type { Result } from '../../pool/waybill/result.js'
import type { Store } from '../../store/store.js'
import type { Tasks } from '../../tasks/tasks.js'
import type { RunningJob } from '../running-job.js'
import { Lane } from './lane.js'

export class Lanes {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #lanes = new Map<number, Lane>()
  /** Tasks without a worker, by their lanes. No more come while the queue is open. */
  readonly #withoutWorker = new Map<number, string>()
  readonly #pausedTasks = new Set<string>()

  constructor(store: Store, tasks: Tasks) {
    this.#store = store
    this.#tasks = tasks
    for (const task of store.tasks()) {
      const lane = tasks.has(task) ? undefined : store.findLane(task)
      if (lane !== undefined) this.#withoutWorker.set(lane, task)
    }
  }

  /** The lane with this number; `undefined` if its task has no worker module. */
  of(number: number): Lane | undefined {
    const known = this.#lanes.get(number)
    if (known) return known
    const task = this.#store.task(number)
    const config = task === undefined ? undefined : this.#tasks.config(task)
    if (!config) return undefined
    const lane = new Lane(config)
    lane.isPaused = this.#pausedTasks.has(config.name)
    this.#lanes.set(number, lane)
    return lane
  }

  /** Jobs have run: their lanes learn how long one takes. */
  learn(results: readonly Result<RunningJob>[]): void {
    const ran = new Map<Lane, { ms: number; jobs: number }>()
    for (const result of results) {
      if (!('ranMs' in result)) continue
      const { lane } = result.job
      let sum = ran.get(lane)
      if (!sum) {
        sum = { ms: 0, jobs: 0 }
        ran.set(lane, sum)
      }
      sum.ms += result.ranMs
      sum.jobs++
    }
    for (const [lane, { ms, jobs }] of ran) lane.learn(ms / jobs)
  }

  /** Pausing a task that has had no job makes no lane. */
  setPaused(task: string, isPaused: boolean): void {
    if (isPaused) this.#pausedTasks.add(task)
    else this.#pausedTasks.delete(task)
    const number = this.#store.findLane(task)
    const lane = number === undefined ? undefined : this.#lanes.get(number)
    if (number === undefined || !lane) return
    lane.isPaused = isPaused
    if (!isPaused) this.#store.release(number)
  }

  isPaused(task: string): boolean {
    return this.#pausedTasks.has(task)
  }

  /** Whether none of their jobs waits, is delayed or runs. */
  get areEmpty(): boolean {
    return this.#count(({ waiting, delayed, running }) => waiting + delayed + running) === 0
  }

  /** Whether none of their jobs waits or runs. */
  get areDrained(): boolean {
    return this.#count(({ waiting, running }) => waiting + running) === 0
  }

  /** The tasks without a worker that have jobs to run. */
  get withoutWorker(): string[] {
    if (this.#withoutWorker.size === 0) return []
    return [...this.#store.busyLanes()].flatMap((lane) => this.#withoutWorker.get(lane) ?? [])
  }

  /** All jobs but those without a worker. What it costs does not grow with the number of tasks that have nothing to do. */
  #count(of: (counts: ReturnType<Store['counts']>) => number): number {
    let count = of(this.#store.counts())
    if (count === 0 || this.#withoutWorker.size === 0) return count
    for (const lane of this.#store.busyLanes())
      if (this.#withoutWorker.has(lane)) count -= of(this.#store.counts(lane))
    return count
  }
}
