/** Opens a queue's directory, and puts the parts of an open queue together. */

import type { Place } from '../job/job.js'
import { checkThreadFile } from '../pool/thread-file.js'
import { Scheduler } from '../scheduler/scheduler.js'
import { LevelStore } from '../store/level/level-store.js'
import type { Recovered as RecoveredJobs, Store } from '../store/store.js'
import { checkTaskName } from '../tasks/task-options.js'
import { Tasks } from '../tasks/tasks.js'
import { checkFile } from '../tasks/worker-module.js'
import { BacklogLimit } from './adding/backlog-limit.js'
import { Enqueueing } from './adding/enqueueing.js'
import { Announcer, type Emitter } from './events.js'
import { JobControl } from './jobs/job-control.js'
import { FollowedJobs } from './jobs/job-events.js'
import type { Job, JobHost } from './jobs/job-handle.js'
import { Waiters } from './jobs/waiters.js'
import { Lifetime } from './lifetime.js'
import { checkMaxWorkers, type QueueOptions, type Settings, settingsOf } from './options.js'
import { Shutdown } from './shutdown.js'

/** What an earlier process has left behind. */
export interface Recovered extends RecoveredJobs {
  /** Tasks that have jobs here and no worker: their jobs wait. Not there if there are none. */
  readonly withoutWorker?: readonly string[]
}

/** A directory that has been opened, and nothing runs yet. */
export interface OpenedDirectory {
  readonly directory: string
  readonly store: Store
  readonly recovered: RecoveredJobs
  readonly tasks: Tasks
  readonly settings: Settings
}

/** Checks the options, then opens the directory. Throws as `JobQueue.open` does. */
export async function openDirectory(directory: string, options: QueueOptions): Promise<OpenedDirectory> {
  checkThreadFile()
  const settings = settingsOf(options)
  const { workers, tasks, attempts, backoff, timeout, captureConsole } = options
  const defaults = {
    ...(attempts !== undefined && { attempts }),
    ...(backoff !== undefined && { backoff }),
    ...(timeout !== undefined && { timeout }),
    ...(captureConsole !== undefined && { captureConsole }),
  }
  const registry = await Tasks.from(workers, tasks, defaults)
  if (settings.threads.setup) await checkFile(settings.threads.setup, 'setup')
  const { store, recovered } = await LevelStore.open(directory, {
    trustDirectory: settings.trustDirectory,
    durability: settings.durability,
    retention: settings.retention,
    keptInputBytes: settings.keptInputBytes,
    attemptsOf: (task, head) => registry.attemptsOf(task, head),
  })
  return { directory, store, recovered, tasks: registry, settings }
}

export class QueueParts {
  readonly recovered: Recovered
  readonly store: Store
  readonly tasks: Tasks
  readonly lifetime = new Lifetime()
  readonly waiters: Waiters
  readonly followed = new FollowedJobs<Job>()
  readonly announcer: Announcer
  readonly limit: BacklogLimit
  readonly scheduler: Scheduler
  readonly enqueueing: Enqueueing
  readonly jobs: JobControl
  readonly shutdown: Shutdown

  /** `emitter` says what happens to the application. */
  constructor(emitter: Emitter, opened: OpenedDirectory) {
    const { store, tasks, settings, recovered } = opened
    this.store = store
    this.tasks = tasks
    const { lifetime, followed } = this
    const taskOf = (place: Place) => store.task(place.lane) ?? ''
    const host: JobHost = {
      taskOf: ({ place }) => taskOf(place),
      attemptsOf: ({ place, head }) => tasks.attemptsOf(store.task(place.lane), head),
      finished: (job, options) => this.jobs.finished(job, options),
      events: (place, signal) => this.jobs.follow(place, signal),
      cancel: (id) => this.jobs.cancel(id),
      retry: (id) => this.jobs.retry(id),
      remove: (id) => this.jobs.remove(id),
    }
    const waiters = new Waiters(taskOf)
    const counts = () => (lifetime.isClosing ? undefined : store.counts())
    const announcer = new Announcer(emitter, host, followed, counts)
    const limit = new BacklogLimit(settings.backlog, store)
    const scheduler = new Scheduler(store, tasks, settings.maxWorkers, settings, {
      claimed: () => limit.admit(),
      started: (job) => announcer.started(job),
      settled: (jobs) => {
        for (const job of jobs) waiters.settle(job)
        announcer.settled(jobs)
        limit.admit()
      },
      progress: (job, value) => announcer.progress(job, value),
      log: (job, log) => announcer.log(job, log),
      idle: () => {
        waiters.idle()
        announcer.idle()
      },
      isDrainAwaited: () => waiters.isDrainAwaited,
      drained: () => waiters.drained(),
      trouble: (error) => announcer.trouble(error),
      broken: (error) => {
        lifetime.broken = error
        limit.close(error)
        waiters.rejectAll(error)
        followed.failAll(error)
        announcer.broken(error)
      },
    })
    const parts = { store, tasks, scheduler, limit, host, announcer, settings, waiters, followed, lifetime }
    this.waiters = waiters
    this.announcer = announcer
    this.limit = limit
    this.scheduler = scheduler
    this.enqueueing = new Enqueueing(parts)
    this.jobs = new JobControl({ ...parts, findLane: (task) => this.findLane(task) })
    this.shutdown = new Shutdown(parts)
    const { withoutWorker } = scheduler
    this.recovered = withoutWorker.length > 0 ? { ...recovered, withoutWorker } : recovered
    // Once the caller of `open` has had the chance to listen.
    if (withoutWorker.length > 0) setImmediate(() => announcer.withoutWorker(withoutWorker))
  }

  /**
   * The lane of a task, `undefined` if it has had no job. Tasks without a worker have one as long as the directory knows them.
   *
   * @throws {UnknownTaskError} no worker was given for the task, and it never had a job. @throws {OptionError} it is no task name.
   */
  findLane(task: string): number | undefined {
    checkTaskName(task)
    return this.store.findLane(task) ?? (this.tasks.has(task) ? undefined : this.tasks.unknown(task))
  }

  setMaxWorkers(count: number): void {
    this.lifetime.assertOpen()
    checkMaxWorkers(count)
    this.scheduler.maxWorkers = count
  }

  setPaused(isPaused: boolean, task: string | undefined): void {
    this.lifetime.assertOpen()
    if (task !== undefined) this.findLane(task)
    this.scheduler.setPaused(isPaused, task)
  }

  isPaused(task: string | undefined): boolean {
    if (task !== undefined) this.findLane(task)
    return this.scheduler.isPaused(task)
  }
}
