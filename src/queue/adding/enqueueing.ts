/** How jobs come in: checked and encoded, let through the limit, stored, and given back as handles. */

import { encode } from '../../codec/codec.js'
import type { Limit } from '../../codec/cost.js'
import { type EnqueueOptions, headOfOptions } from '../../job/enqueue-options.js'
import { type Place, storedAsEnqueued } from '../../job/job.js'
import type { Scheduler } from '../../scheduler/scheduler.js'
import type { NewJob, Store } from '../../store/store.js'
import type { Tasks } from '../../tasks/tasks.js'
import type { Announcer } from '../events.js'
import { Job, type JobHost, type Primitive } from '../jobs/job-handle.js'
import type { Lifetime } from '../lifetime.js'
import type { Settings } from '../options.js'
import type { BacklogLimit, OnFull } from './backlog-limit.js'
import { checkIterable, checkKeys, type EnqueueManyOptions, optionsOf } from './inputs.js'
import { type MapOptions, type Mapped, mapInputs, mapSettingsOf } from './map.js'

/** A job whose input is encoded. */
export interface EncodedJob extends NewJob {
  lane: number
  /** Its input again, if that is no object. */
  readonly scalar: Primitive
}

export interface EnqueueingParts {
  readonly lifetime: Lifetime
  readonly tasks: Tasks
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
  /** The last addition of each key that is on its way. */
  readonly #adding = new Map<string, Promise<unknown>>()
  /** Settled when the keys that were asked for last have been looked up. */
  #lookUp: Promise<void> | undefined

  constructor(parts: EnqueueingParts) {
    this.#parts = parts
    this.#inputLimit = { bytes: parts.settings.maxJobBytes, option: 'maxJobBytes' }
  }

  /** Throws as `JobQueue.enqueue` does. A job that is refused makes no lane for its task. */
  newJob(task: string, input: unknown, options: EnqueueOptions | undefined): EncodedJob {
    this.#checkTask(task)
    const job = this.#encoded(input, options)
    job.lane = this.#parts.store.lane(task)
    return job
  }

  /** A job for each input. Throws as `newJob` does; an input that cannot be carried is named by its index. */
  newJobs<Input>(
    task: string,
    inputs: Iterable<Input>,
    options: EnqueueManyOptions<Input> | ((input: Input, index: number) => EnqueueOptions) | undefined,
  ): EncodedJob[] {
    this.#checkTask(task)
    checkIterable('enqueueMany', inputs)
    const isPlain = typeof options === 'object' && options !== null
    const list = Array.isArray(inputs) ? (inputs as readonly Input[]) : Array.from(inputs)
    if (isPlain) checkKeys(options.key, list.length)
    const jobs = Array.from(list, (input, index) => {
      let own = options as EnqueueOptions | undefined
      if (typeof options === 'function') own = options(input, index)
      else if (isPlain && options.key !== undefined) own = optionsOf(options, input, index)
      return this.#encodedOfMany(input, index, own)
    })
    if (jobs.length === 0) return jobs
    const lane = this.#parts.store.lane(task)
    for (const job of jobs) job.lane = lane
    return jobs
  }

  /** Adds jobs in one atomic write, when there is room for them. */
  add(jobs: readonly NewJob[], onFull?: OnFull): Promise<(Job | Promise<Job>)[]> {
    const { limit } = this.#parts
    if (limit.isLimited && jobs.some(({ head }) => head?.key !== undefined))
      return this.#addKeyed(jobs, onFull)
    const bytes = this.#bytesOf(jobs)
    return this.#inTurn(() => limit.enter(jobs.length, bytes, () => this.#store(jobs), onFull))
  }

  /** Adds one job. */
  addOne(job: EncodedJob, onFull?: OnFull): Promise<Job> {
    if (job.head?.key !== undefined || job.head?.runAt !== undefined)
      return this.add([job], onFull).then(([added]) => added as Job | Promise<Job>)
    const { limit } = this.#parts
    // Many may wait at the limit: this way is as short as it can be.
    if (!limit.isLimited) return this.#storeOne(job)
    const bytes = limit.countsBytes ? this.#parts.store.bytesOf(job) : 0
    return this.#inTurn(() => limit.enter(1, bytes, () => this.#storeOne(job), onFull))
  }

  /** See `JobQueue.map`. */
  map<Input>(
    task: string,
    inputs: Iterable<Input> | AsyncIterable<Input>,
    options: MapOptions<Input>,
  ): AsyncGenerator<Mapped<Input, unknown>, void, undefined> {
    this.#checkTask(task)
    checkIterable('map', inputs)
    const { settings, each } = mapSettingsOf(options)
    return mapInputs(inputs, settings, async (input, index) => {
      this.#checkTask(task)
      const job = this.#encodedOfMany(input, index, optionsOf(each, input, index))
      job.lane = this.#parts.store.lane(task)
      return this.addOne(job, 'wait')
    })
  }

  /** @throws {UnknownTaskError} @throws {OptionError} it is no task name. @throws as `Lifetime.assertWorking` does. */
  #checkTask(task: string): void {
    this.#parts.lifetime.assertWorking()
    this.#parts.tasks.known(task)
  }

  /** A job that has no lane yet. */
  /** One of several: if it cannot be carried, the error says which one it is. */
  #encodedOfMany(input: unknown, index: number, options: EnqueueOptions | undefined): EncodedJob {
    try {
      return this.#encoded(input, options)
    } catch (error) {
      // Only now is its name worth making.
      encode(input, `inputs[${index}]`, this.#inputLimit)
      throw error
    }
  }

  #encoded(input: unknown, options: EnqueueOptions | undefined): EncodedJob {
    const head = headOfOptions(options, this.#inputLimit)
    const bytes = encode(input, 'input', this.#inputLimit)
    const scalar = typeof input === 'object' || typeof input === 'function' ? undefined : (input as Primitive)
    return { lane: 0, priority: options?.priority ?? 0, head, input: bytes, scalar }
  }

  /**
   * Where the backlog is limited, a job that exists needs no room: keys are looked up first. Equal keys that are enqueued at the same
   * time take the room of one job: the second waits until the first has been added, and then finds it.
   */
  #addKeyed(jobs: readonly NewJob[], onFull: OnFull | undefined): Promise<(Job | Promise<Job>)[]> {
    const keys = new Set(jobs.flatMap((job) => keyNameOf(job) ?? []))
    const found = this.#inTurn(() => Promise.all(jobs.map((job) => this.#exists(job))))
    const added = found.then((exists) => {
      const before = [...keys].flatMap((key) => this.#adding.get(key) ?? [])
      if (before.length > 0) return Promise.allSettled(before).then(() => this.#addKeyed(jobs, onFull))
      const missing = new Map(
        jobs.filter((_job, index) => !exists[index]).map((job) => [keyNameOf(job) ?? job, job]),
      )
      const entered =
        missing.size === 0
          ? this.#store(jobs)
          : this.#parts.limit.enter(
              missing.size,
              this.#bytesOf([...missing.values()]),
              () => this.#store(jobs),
              onFull,
            )
      for (const key of keys) this.#adding.set(key, entered)
      const done = () => {
        for (const key of keys) if (this.#adding.get(key) === entered) this.#adding.delete(key)
      }
      entered.then(done, done)
      return entered
    })
    const turn = found.then(nothing, nothing)
    this.#lookUp = turn
    void turn.then(() => {
      if (this.#lookUp === turn) this.#lookUp = undefined
    })
    return added
  }

  /** How many bytes they would take in the backlog, if that matters. */
  #bytesOf(jobs: readonly NewJob[]): number {
    const { limit, store } = this.#parts
    return limit.countsBytes ? jobs.reduce((sum, job) => sum + store.bytesOf(job), 0) : 0
  }

  /** Nobody overtakes one whose key is being looked up. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    return this.#lookUp ? this.#lookUp.then(step) : step()
  }

  async #exists({ lane, head }: NewJob): Promise<boolean> {
    return head?.key !== undefined && (await this.#parts.store.find(lane, head.key)) !== undefined
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
    const places = await scheduler.add(jobs, enqueuedAt)
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

/** A job's key, told apart from equal keys of other tasks. */
function keyNameOf({ lane, head }: NewJob): string | undefined {
  return head?.key === undefined ? undefined : `${lane} ${head.key}`
}

function nothing(): void {}
