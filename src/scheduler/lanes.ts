/** The lanes of the tasks that have a worker module here. */

import type { Store } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import { Lane } from './lane.js'

export class Lanes {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #lanes = new Map<number, Lane>()

  constructor(store: Store, tasks: Tasks) {
    this.#store = store
    this.#tasks = tasks
    for (const task of store.tasks()) this.of(store.lane(task))
  }

  /** The lane with this number; `undefined` if its task has no worker module. */
  of(number: number): Lane | undefined {
    const known = this.#lanes.get(number)
    if (known) return known
    const task = this.#store.task(number)
    const config = task === undefined ? undefined : this.#tasks.config(task)
    if (!config) return undefined
    const lane = new Lane(config)
    this.#lanes.set(number, lane)
    return lane
  }

  /** Whether none of their jobs waits, is delayed or runs. Jobs of tasks without a worker module are not waited for. */
  get areEmpty(): boolean {
    for (const number of this.#lanes.keys()) {
      const { waiting, delayed, running } = this.#store.counts(number)
      if (waiting + delayed + running > 0) return false
    }
    return true
  }
}
