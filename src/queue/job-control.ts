/** What the application asks about jobs that are stored, and what it does to them: look up, list, cancel, retry, remove, clean. */

import { ClosedError, JobStateError, NoJobError } from '../errors/errors.js'
import type { Place, StoredJob } from '../job/job.js'
import { checkId } from '../job/job-id.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { Store } from '../store/store.js'
import type { Tasks } from '../tasks/tasks.js'
import type { BacklogLimit } from './backlog-limit.js'
import type { Announcer } from './events.js'
import type { FollowedJobs, JobEvent } from './job-events.js'
import { Job, type JobHost } from './job-handle.js'
import type { Lifetime } from './lifetime.js'
import { type CleanOptions, checkCleanOptions, type JobsQuery, listQueryOf } from './queries.js'
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
  readonly laneOf: (task: string) => number
}

export class JobControl {
  readonly #parts: JobControlParts

  constructor(parts: JobControlParts) {
    this.#parts = parts
  }

  async get(id: string): Promise<Job | undefined> {
    const { lifetime, store, host } = this.#parts
    lifetime.assertOpen()
    const job = await store.get(checkId(id))
    return job && new Job(host, job)
  }

  async list(query: JobsQuery): Promise<Job[]> {
    const { lifetime, store, host, laneOf } = this.#parts
    lifetime.assertOpen()
    const found = await store.list(listQueryOf(query, laneOf))
    return found.map((job) => new Job(host, job))
  }

  /** See `Job.finished`. */
  finished(job: StoredJob): Promise<unknown> {
    const { lifetime, waiters, store } = this.#parts
    if (lifetime.broken) return Promise.reject(lifetime.broken)
    if (lifetime.isClosing) return Promise.reject(new ClosedError())
    const promise = waiters.untilFinished(job.place.seq)
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
    if (!(await store.revive(place, attempts)))
      throw new JobStateError(id, state, 'only a failed, cancelled or delayed job can be retried')
    scheduler.noteLeft()
    announcer.updated()
  }

  async remove(id: string): Promise<void> {
    const { lifetime, store, waiters, followed, limit, scheduler, announcer } = this.#parts
    lifetime.assertOpen()
    const place = checkId(id)
    await this.#existing(place, id)
    if (!(await store.remove(place))) throw new JobStateError(id, 'running', 'cancel it first')
    waiters.noJob(place)
    followed.fail(place, new NoJobError(id))
    limit.admit()
    scheduler.noteLeft()
    announcer.updated()
  }

  async clean(options: CleanOptions): Promise<number> {
    const { lifetime, store, laneOf } = this.#parts
    lifetime.assertOpen()
    const { state = 'completed', olderThan = 0, task, limit = Number.POSITIVE_INFINITY } = options
    checkCleanOptions(options)
    const before = Date.now() - olderThan + (olderThan === 0 ? 1 : 0)
    return store.clean(state, before, limit, task === undefined ? undefined : laneOf(task))
  }

  async #existing(place: Place, id: string): Promise<StoredJob> {
    const job = await this.#parts.store.get(place)
    if (!job) throw new NoJobError(id)
    return job
  }
}
