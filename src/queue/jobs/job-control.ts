/** What the application asks about jobs that are stored, and what it does to them: look up, list, cancel, retry, remove, clean. */

import { ClosedError, JobStateError, NoJobError } from '../../errors/errors.js'
import { JOB_STATES, type JobCounts, type Place, type StoredJob } from '../../job/job.js'
import { checkId, parseId } from '../../job/job-id.js'
import type { Scheduler } from '../../scheduler/scheduler.js'
import type { Store } from '../../store/store.js'
import type { Tasks } from '../../tasks/tasks.js'
import type { BacklogLimit } from '../adding/backlog-limit.js'
import type { Announcer } from '../events.js'
import type { Lifetime } from '../lifetime.js'
import type { FollowedJobs, JobEvent } from './job-events.js'
import { Job, type JobHost } from './job-handle.js'
import { type CleanOptions, cleanQueryOf, type JobsQuery, listQueryOf } from './queries.js'
import { type WaitOptions, waitLimitsOf } from './wait-options.js'
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
      ? waiters.untilFinishedWithin(job.place, waitLimitsOf(options))
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
    const wasCancelled = await scheduler.cancel(place)
    if (!wasCancelled) await this.#existing(place, id)
    return wasCancelled
  }

  async retry(id: string): Promise<void> {
    const { lifetime, store, tasks, scheduler, announcer } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    const { state, head } = await this.#existing(place, id)
    const { granted: _granted, ...asEnqueued } = head
    const attempts = tasks.attemptsOf(store.task(place.lane), asEnqueued)
    if (!(await store.changeOne(place, { verb: 'revive', attemptsOf: () => attempts })))
      throw new JobStateError(id, state, 'only a failed, cancelled or delayed job can be retried')
    scheduler.noteLeft()
    announcer.updated()
  }

  async remove(id: string): Promise<void> {
    const { lifetime, store, waiters, followed, limit, scheduler, announcer } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    await this.#existing(place, id)
    if (!(await store.changeOne(place, { verb: 'remove' })))
      throw new JobStateError(id, 'running', 'cancel it first')
    waiters.noJob(place)
    followed.fail(place, new NoJobError(id))
    limit.admit()
    scheduler.noteLeft()
    announcer.updated()
  }

  async clean(options: CleanOptions): Promise<number> {
    const { lifetime, store, findLane } = this.#parts
    lifetime.assertOpen()
    const query = cleanQueryOf(options, findLane)
    return query ? store.clean(query.state, query.before, query.limit, query.lane) : 0
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
