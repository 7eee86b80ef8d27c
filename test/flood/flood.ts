/** What a flood is made of. */
import type { JobQueue, QueueOptions } from '../../src/index.js'
import type { Chance } from '../support/chance.js'
import type { Tally } from './tally.js'
import type * as tasks from './tasks.js'

export type FloodTasks = Pick<typeof tasks, 'tiny' | 'large'>
export type FloodQueue = JobQueue<FloodTasks>

/** What a flood is given to work with. */
export interface Bed {
  readonly size: number
  readonly chance: Chance
  readonly tally: Tally
  /** Opens the queue, with the flood's tasks and two workers. From here on it is measured. */
  open(options?: Partial<QueueOptions<keyof FloodTasks>>): Promise<FloodQueue>
}

export interface Flood {
  /** How many jobs it has: in the soak, and in the suite. */
  readonly size: { readonly long: number; readonly short: number }
  /** The most memory that so many jobs may take at any moment, in MB resident, the process itself included. */
  mostMegabytes(size: number): number
  /** Lets the jobs come, and waits until all are done. What became of each is noted in the tally. */
  run(bed: Bed): Promise<void>
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
