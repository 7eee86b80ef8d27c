/**
 * What the application asks about jobs that are stored, and what it does to them: look up, list, cancel, retry, remove, clean;
 * single ones, or all that match.
 */

import { ClosedError, JobStateError, NoJobError } from '../../errors/errors.js'
import { JOB_STATES, type JobCounts, type Place, type StoredJob } from '../../job/job.js'
import { checkId, formatId, parseId } from '../../job/job-id.js'
import type { Scheduler } from '../../scheduler/scheduler.js'
import type { JobChange, JobFilter, Store } from '../../store/store.js'
import type { Tasks } from '../../tasks/tasks.js'
import type { BacklogLimit } from '../adding/backlog-limit.js'
import type { Announcer } from '../events.js'
import type { Lifetime } from '../lifetime.js'
import type { FollowedJobs, JobEvent } from './job-events.js'
import { Job, type JobHost } from './job-handle.js'
import {
  type CleanOptions,
  cleanQueryOf,
  filterOf,
  type JobsQuery,
  listQueryOf,
  type ManyJobs,
  type STATES_OF,
} from './queries.js'
import type { WaitOptions } from './wait-options.js'
import type { Waiters } from './waiters.js'

interface JobControlParts {
  readonly store: Store
  readonly tasks: Tasks
  readonly scheduler: Scheduler
  readonly limit: BacklogLimit
  readonly waiters: Waiters
  readonly followed: FollowedJobs<Job>
  readonly announcer: Announcer
  readonly host: JobHost
  readonly lifetime: Lifetime
  /** Throws where a task is not known; `undefined`: it has no job. */
  readonly findLane: (task: string) => number | undefined
}

export class JobControl {
  readonly #parts: JobControlParts

  constructor(parts: JobControlParts) {
    this.#parts = parts
  }

  async get(id: string): Promise<Job | undefined> {
    const { lifetime, store, host } = this.#parts
    lifetime.assertOpen()
    const place = parseId(id)
    const job = place && (await store.get(place))
    return job && new Job(host, job)
  }

  async list(query: JobsQuery): Promise<Job[]> {
    const { lifetime, store, host, findLane } = this.#parts
    lifetime.assertOpen()
    const listed = listQueryOf(query, findLane)
    const found = listed ? await store.list(listed) : []
    return found.map((job) => new Job(host, job))
  }

  /** How many jobs are in each state: none, of a task that has had no job. */
  counts(task: string | undefined): JobCounts {
    const { lifetime, store, findLane } = this.#parts
    lifetime.assertOpen()
    if (task === undefined) return store.counts()
    const lane = findLane(task)
    return lane === undefined ? noJobs() : store.counts(lane)
  }

  /** See `Job.finished`. */
  finished(job: StoredJob, options?: WaitOptions): Promise<unknown> {
    const { lifetime, waiters, store } = this.#parts
    if (lifetime.broken) return Promise.reject(lifetime.broken)
    if (lifetime.isClosing) return Promise.reject(new ClosedError())
    const promise = options
      ? waiters.untilFinishedWithin(job.place, options)
      : waiters.untilFinished(job.place.seq)
    if (!store.isLive(job.place)) waiters.answer(job.place, store.get(job.place))
    return promise
  }

  /** See `Job.events`. */
  follow(place: Place, signal: AbortSignal | undefined): AsyncIterableIterator<JobEvent<Job>> {
    const { lifetime, followed, store, host } = this.#parts
    const read = async () => {
      lifetime.assertWorking()
      return store.get(place)
    }
    return followed.follow(place, signal, read, (job) => new Job(host, job))
  }

  async cancel(id: string): Promise<boolean> {
    const { lifetime, scheduler } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    const wasCancelled = await scheduler.cancellations.cancel(place)
    if (!wasCancelled) await this.#existing(place, id)
    return wasCancelled
  }

  /** Cancels all jobs that match and have not finished, and says how many. */
  cancelAll(which: ManyJobs): Promise<number> {
    const { scheduler } = this.#parts
    return this.#many('cancelAll', which, (filter, assertOpen) =>
      scheduler.cancellations.cancelAll(filter, assertOpen),
    )
  }

  async retry(id: string): Promise<void> {
    const { lifetime, store } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    const { state } = await this.#existing(place, id)
    if (!(await store.changeOne(place, this.#revive)))
      throw new JobStateError(id, state, 'only a failed, cancelled or delayed job can be retried')
    this.#noteMoved()
  }

  retryAll(which: ManyJobs): Promise<number> {
    return this.#many('retryAll', which, (filter, assertOpen) =>
      this.#parts.store.changeAll(filter, this.#revive, () => {
        this.#noteMoved()
        assertOpen()
      }),
    )
  }

  async remove(id: string): Promise<void> {
    const { lifetime, store } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    await this.#existing(place, id)
    if (!(await store.changeOne(place, { verb: 'remove' })))
      throw new JobStateError(id, 'running', 'cancel it first')
    this.#noteRemoved([place])
  }

  removeAll(which: ManyJobs): Promise<number> {
    return this.#many('removeAll', which, (filter, assertOpen) =>
      this.#parts.store.changeAll(filter, { verb: 'remove' }, (jobs) => {
        this.#noteRemoved(jobs.map(({ place }) => place))
        assertOpen()
      }),
    )
  }

  async clean(options: CleanOptions): Promise<number> {
    const { lifetime, store, findLane } = this.#parts
    lifetime.assertOpen()
    const query = cleanQueryOf(options, findLane)
    return query ? store.clean(query.state, query.before, query.limit, query.lane) : 0
  }

  /** Changes many jobs. `assertOpen`, called after each write, ends it when the queue closes meanwhile. */
  async #many(
    method: keyof typeof STATES_OF,
    which: ManyJobs,
    change: (filter: JobFilter, assertOpen: () => void) => Promise<number>,
  ): Promise<number> {
    const { lifetime, findLane } = this.#parts
    const assertOpen = () => lifetime.assertOpen()
    assertOpen()
    const filter = filterOf(method, which, findLane)
    if (!filter) return 0
    try {
      return await change(filter, assertOpen)
    } catch (error) {
      assertOpen()
      throw error
    }
  }

  /** A retry grants as many attempts again as the job had when it was enqueued. */
  readonly #revive: JobChange = {
    verb: 'revive',
    attemptsOf: ({ place, head }) => {
      const { store, tasks } = this.#parts
      const { granted: _granted, ...asEnqueued } = head
      return tasks.attemptsOf(store.task(place.lane), asEnqueued)
    },
  }

  /** Jobs have moved to the backlog, or have left it. */
  #noteMoved(): void {
    const { scheduler, announcer } = this.#parts
    scheduler.noteLeft()
    announcer.updated()
  }

  #noteRemoved(places: readonly Place[]): void {
    const { waiters, followed, limit } = this.#parts
    for (const place of places) {
      waiters.noJob(place)
      if (followed.isFollowed(place)) followed.fail(place, new NoJobError(formatId(place)))
    }
    limit.admit()
    this.#noteMoved()
  }

  async #existing(place: Place, id: string): Promise<StoredJob> {
    const job = await this.#parts.store.get(place)
    if (!job) throw new NoJobError(id)
    return job
  }
}

function noJobs(): JobCounts {
  return Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as JobCounts
}
