/** A worker module that posts what it likes to the application, beside jobs on other threads, which must not be concerned. */
import { join } from 'node:path'
import { JobQueue } from '../../src/index.js'
import type { Chance } from '../support/chance.js'
import { FIXTURE } from '../support/queue.js'
import type { Target, Verdict } from './target.js'

const JOBS_BESIDE = 5

export class Port implements Target {
  readonly batch = 50
  last = ''
  readonly #queue: JobQueue

  private constructor(queue: JobQueue) {
    this.#queue = queue
  }

  static async open(directory: string): Promise<Port> {
    const queue = await JobQueue.open(join(directory, 'jobs'), {
      workers: {
        // Limits of its own keep it on threads of its own.
        attack: {
          module: new URL('hostile-worker.js', import.meta.url),
          export: 'attack',
          resourceLimits: { maxOldGenerationSizeMb: 128 },
          timeout: 2000,
        },
        echo: { module: FIXTURE, export: 'echo' },
      },
      maxWorkers: 2,
      attempts: 1,
      durability: 'process',
      keep: { completed: { count: 100 }, failed: { count: 100 } },
    })
    return new Port(queue)
  }

  async try(chance: Chance): Promise<Verdict> {
    const seed = chance.below(2 ** 31)
    this.last = `the seed ${seed}`
    const hostile = await this.#queue.enqueue('attack', seed)
    const beside = await this.#queue.enqueueMany('echo', new Array(JOBS_BESIDE).fill({ seed }))
    const outcome = hostile.finished().then(
      (): Verdict => 'taken',
      (error: unknown): Verdict => {
        if (!(error instanceof Error)) throw error
        return { refused: error.message }
      },
    )
    for (const job of beside) {
      const output = (await job.finished()) as { seed: number }
      if (output.seed !== seed) throw new Error(`a job beside has the output ${JSON.stringify(output)}`)
    }
    return outcome
  }

  async close(): Promise<void> {
    await this.#queue.idle()
    await this.#queue.close()
  }
}
