/** How jobs come in: checked and encoded, let through the limit, stored, and given back as handles. */

import { encode } from '../codec/codec.js'
import type { Limit } from '../codec/cost.js'
import { type EnqueueOptions, headOfOptions } from '../job/enqueue-options.js'
import { type Place, storedAsEnqueued } from '../job/job.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { NewJob, Store } from '../store/store.js'
import type { BacklogLimit, OnFull } from './backlog-limit.js'
import type { Announcer } from './events.js'
import { Job, type JobHost, type Primitive } from './job-handle.js'
import type { Settings } from './options.js'

/** A job whose input is encoded. */
export interface EncodedJob extends NewJob {
  /** Its input again, if that is no object. */
  readonly scalar: Primitive
}

export interface EnqueueingParts {
  readonly store: Store
  readonly scheduler: Scheduler
  readonly limit: BacklogLimit
  readonly host: JobHost
  readonly announcer: Announcer
  readonly settings: Pick<Settings, 'maxJobBytes'>
}

export class Enqueueing {
  readonly #parts: EnqueueingParts
  readonly #inputLimit: Limit

  constructor(parts: EnqueueingParts) {
    this.#parts = parts
    this.#inputLimit = { bytes: parts.settings.maxJobBytes, option: 'maxJobBytes' }
  }

  newJob(lane: number, input: unknown, options: EnqueueOptions | undefined): EncodedJob {
    const head = headOfOptions(options, this.#inputLimit)
    const bytes = encode(input, 'input', this.#inputLimit)
    const scalar = typeof input === 'object' || typeof input === 'function' ? undefined : (input as Primitive)
    return { lane, priority: options?.priority ?? 0, head, input: bytes, scalar }
  }

  /** Adds jobs in one atomic write, when there is room for them. */
  add(jobs: readonly NewJob[], onFull?: OnFull): Promise<(Job | Promise<Job>)[]> {
    return this.#parts.limit.enter(jobs.length, () => this.#store(jobs), onFull)
  }

  /** Adds one job. */
  addOne(job: EncodedJob, onFull?: OnFull): Promise<Job> {
    if (job.head?.key !== undefined || job.head?.runAt !== undefined)
      return this.add([job], onFull).then(([added]) => added as Job | Promise<Job>)
    const { limit } = this.#parts
    // Many may wait at the limit: this way is as short as it can be.
    return limit.isLimited ? limit.enter(1, () => this.#storeOne(job), onFull) : this.#storeOne(job)
  }

  #storeOne(job: EncodedJob): Promise<Job> {
    const { scheduler, announcer, host } = this.#parts
    const { job: stored, written } = scheduler.addOne(job)
    return written.then(() => {
      announcer.updated()
      return new Job(host, stored, job.scalar)
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

  /** The job that has the key of `job`; if it has been deleted meanwhile, `job`, which has passed the limit, is added after all. */
  async #existingOr(place: Place, job: NewJob): Promise<Job> {
    const stored = await this.#parts.store.get(place)
    if (stored) return new Job(this.#parts.host, stored)
    const [added] = await this.#store([job])
    return added as Job | Promise<Job>
  }
}
