/** How jobs come in: checked and encoded, let through the gate, stored, and given back as handles. */
import type { BacklogGate, OnFull } from './backlog-gate.js'
import { encode, type Limit } from './codec.js'
import type { Announcer } from './events.js'
import { Job, type JobHost } from './handle.js'
import { type EnqueueOptions, headOfOptions, type Place, storedAsEnqueued } from './job.js'
import type { Settings } from './options.js'
import type { Scheduler } from './scheduler.js'
import type { NewJob, Store } from './store/store.js'

export interface IntakeParts {
  readonly store: Store
  readonly scheduler: Scheduler
  readonly gate: BacklogGate
  readonly host: JobHost
  readonly announcer: Announcer
  readonly settings: Pick<Settings, 'maxJobBytes'>
}

export class Intake {
  readonly #parts: IntakeParts
  readonly #inputLimit: Limit

  constructor(parts: IntakeParts) {
    this.#parts = parts
    this.#inputLimit = { bytes: parts.settings.maxJobBytes, option: 'maxJobBytes' }
  }

  newJob(lane: number, input: unknown, options: EnqueueOptions | undefined): NewJob {
    const head = headOfOptions(options)
    const bytes = encode(input, 'input', this.#inputLimit)
    return { lane, priority: options?.priority ?? 0, head, input: bytes }
  }

  /** Adds jobs in one atomic write, when there is room for them. */
  add(jobs: readonly NewJob[], onFull?: OnFull): Promise<(Job | Promise<Job>)[]> {
    return this.#parts.gate.enter(jobs.length, () => this.#store(jobs), onFull)
  }

  /** Adds one job. */
  addOne(job: NewJob, onFull?: OnFull): Promise<Job> {
    if (job.head?.key !== undefined || job.head?.runAt !== undefined)
      return this.add([job], onFull).then(([added]) => added as Job | Promise<Job>)
    const { gate } = this.#parts
    // Many may wait at the gate: this way is as short as it can be.
    return gate.isLimited ? gate.enter(1, () => this.#storeOne(job), onFull) : this.#storeOne(job)
  }

  #storeOne(job: NewJob): Promise<Job> {
    const { scheduler, announcer, host } = this.#parts
    const { job: stored, written } = scheduler.addOne(job)
    return written.then(() => {
      announcer.updated()
      return new Job(host, stored)
    })
  }

  async #store(jobs: readonly NewJob[]): Promise<(Job | Promise<Job>)[]> {
    const { scheduler, announcer, host } = this.#parts
    const enqueuedAt = Date.now()
    const places = await scheduler.add(jobs)
    announcer.updated()
    return places.map((place, index) => {
      const job = jobs[index] as NewJob
      if (place.existed) return this.#existingOr(place, job)
      return new Job(host, storedAsEnqueued(place, job.head, enqueuedAt, job.input))
    })
  }

  /** The job that has the key of `job`; if it has been deleted meanwhile, `job`, which has passed the gate, is added after all. */
  async #existingOr(place: Place, job: NewJob): Promise<Job> {
    const stored = await this.#parts.store.get(place)
    if (stored) return new Job(this.#parts.host, stored)
    const [added] = await this.#store([job])
    return added as Job | Promise<Job>
  }
}
