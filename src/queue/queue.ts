/**
 * A durable job queue that feeds a pool of worker threads.
 *
 * ```ts
 * const queue = await JobQueue.open('./jobs', {
 *   workers: { thumbnail: new URL('./workers/thumbnail.js', import.meta.url) },
 * })
 * const job = await queue.enqueue('thumbnail', { file: 'a.jpg', width: 200 })
 * const output = await job.finished()
 * ```
 */
import { EventEmitter } from 'node:events'
import { ClosedError, JobStateError, NoJobError } from '../errors/errors.js'
import { checkInteger, checkPath } from '../errors/option-checks.js'
import type { EnqueueOptions } from '../job/enqueue-options.js'
import type { JobCounts, Place, StoredJob } from '../job/job.js'
import { checkId } from '../job/job-id.js'
import { Scheduler } from '../scheduler/scheduler.js'
import { LevelStore } from '../store/level/level-store.js'
import { type Repaired, repairDirectory } from '../store/level/repair/repair.js'
import type { BackedUp, Recovered, Store } from '../store/store.js'
import { Tasks } from '../tasks/tasks.js'
import { BacklogLimit } from './backlog-limit.js'
import { Enqueueing } from './enqueueing.js'
import { Announcer, type QueueEvents } from './events.js'
import { Job, type JobHost } from './job-handle.js'
import { type MapOptions, mapInputs } from './map.js'
import {
  type CloseOptions,
  checkCloseOptions,
  checkMaxWorkers,
  type QueueOptions,
  type Settings,
  settingsOf,
} from './options.js'
import { type CleanOptions, checkCleanOptions, type JobsQuery, listQueryOf } from './queries.js'
import type { InputArgs, InputOf, JobOf, MappedOf, TaskTypes, UntypedTasks } from './task-types.js'
import { Waiters } from './waiters.js'

export class JobQueue<Tasks_ extends TaskTypes<Tasks_> = UntypedTasks> extends EventEmitter<QueueEvents> {
  readonly directory: string
  /** What an earlier process left behind: how many jobs were in transit, how many wait in all. */
  readonly recovered: Recovered
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #scheduler: Scheduler
  readonly #limit: BacklogLimit
  readonly #enqueueing: Enqueueing
  readonly #waiters: Waiters
  readonly #host: JobHost
  readonly #announcer: Announcer
  #closing: Promise<void> | undefined
  #broken: Error | undefined

  /**
   * Opens a queue in a directory: makes it if it is new, restores it if it is not. What was running when the last process
   * ended goes back to its old place in the backlog. Jobs start at once, unless `maxWorkers` is 0.
   *
   * @throws {OptionError} an option is wrong. @throws {WorkerModuleError} a worker module is missing.
   * @throws {LockedError} the directory is open already. @throws {NotAQueueError} it holds something else.
   * @throws {FormatError} another version wrote it. @throws {CorruptError} its files are damaged.
   * @throws {StoreError} it cannot be read or written.
   */
  static async open<Tasks_ extends TaskTypes<Tasks_> = UntypedTasks>(
    directory: string,
    options: QueueOptions<NoInfer<keyof Tasks_ & string>>,
  ): Promise<JobQueue<Tasks_>> {
    const path = checkPath('directory', directory)
    const settings = settingsOf(options)
    const { workers, tasks, attempts, backoff, timeout } = options
    const defaults = {
      ...(attempts !== undefined && { attempts }),
      ...(backoff !== undefined && { backoff }),
      ...(timeout !== undefined && { timeout }),
    }
    const registry = await Tasks.from(workers, tasks, defaults)
    const { store, recovered } = await LevelStore.open(path, {
      durability: settings.durability,
      retention: settings.retention,
      attemptsOf: (task, head) => registry.attemptsOf(task, head),
    })
    return new JobQueue<Tasks_>(path, store, recovered, registry, settings)
  }

  /**
   * Saves what can be saved of a directory that `open` refuses with a CorruptError, and says what that is. Copy it away before:
   * this changes its files. Damaged files are kept in its subdirectory `lost`, next to what LevelDB sets aside.
   *
   * Jobs whose bytes were damaged are lost. Some that had finished or been removed may come back, and run once more. Jobs of a
   * task whose name was lost are those of the task `lost-0`, `lost-1`, … If it is interrupted, do it again: until then the
   * directory cannot be opened.
   *
   * @throws {LockedError} the directory is in use. @throws {NotAQueueError} it is no queue.
   * @throws {FormatError} another version wrote it. @throws {StoreError} it cannot be read or written.
   */
  static async repair(directory: string): Promise<Repaired> {
    return repairDirectory(checkPath('directory', directory))
  }

  private constructor(
    directory: string,
    store: Store,
    recovered: Recovered,
    tasks: Tasks,
    settings: Settings,
  ) {
    super()
    this.directory = directory
    this.recovered = recovered
    this.#store = store
    this.#tasks = tasks
    const taskOf = (place: Place) => store.task(place.lane) ?? ''
    this.#waiters = new Waiters(taskOf)
    this.#host = {
      taskOf: ({ place }) => taskOf(place),
      attemptsOf: ({ place, head }) => tasks.attemptsOf(store.task(place.lane), head),
      finished: (job) => this.#finished(job),
      cancel: (id) => this.cancel(id),
      retry: (id) => this.retry(id),
      remove: (id) => this.remove(id),
    }
    const announcer = new Announcer(this, this.#host, () => (this.#closing ? undefined : store.counts()))
    this.#announcer = announcer
    const limit = new BacklogLimit(settings.backlog, () => store.counts())
    this.#limit = limit
    this.#scheduler = new Scheduler(store, tasks, settings.maxWorkers, settings, {
      claimed: () => limit.admit(),
      started: (job) => announcer.started(job),
      settled: (jobs) => {
        for (const job of jobs) this.#waiters.settle(job)
        announcer.settled(jobs)
        limit.admit()
      },
      progress: (job, value) => announcer.progress(job, value),
      log: (job, text) => announcer.log(job, text),
      idle: () => {
        this.#waiters.idle()
        announcer.idle()
      },
      broken: (error) => {
        this.#broken = error
        limit.close(error)
        this.#waiters.rejectAll(error)
        announcer.broken(error)
      },
    })
    this.#enqueueing = new Enqueueing({
      store,
      scheduler: this.#scheduler,
      limit,
      host: this.#host,
      announcer,
      settings,
    })
  }

  /**
   * Adds a job. Fulfilled when it is durable. If the backlog is full (`maxBacklog`), it waits for room.
   *
   * @throws {UnknownTaskError} no worker module was given for the task. @throws {OptionError} an option is wrong.
   * @throws {ValueError} the input or `meta` cannot be carried. @throws {TooLargeError} the input is too large.
   * @throws {ClosedError} the queue is closed. @throws {StoreError} the directory cannot be written.
   * @throws {BacklogFullError} the backlog is full, and `onFull` is `'reject'`.
   */
  enqueue<Name extends keyof Tasks_ & string>(
    task: Name,
    ...[input, options]: InputArgs<InputOf<Tasks_[Name]>, EnqueueOptions>
  ): Promise<JobOf<Tasks_, Name>> {
    try {
      const job = this.#enqueueing.newJob(this.#laneFor(task), input, options)
      return this.#enqueueing.addOne(job) as Promise<JobOf<Tasks_, Name>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Adds a job for each input in one atomic write: all of them or none. `options` holds for all, or is a function that gives
   * each its own. Throws as `enqueue` does, and a BacklogFullError if there are more than `maxBacklog`.
   */
  async enqueueMany<Name extends keyof Tasks_ & string>(
    task: Name,
    inputs: Iterable<InputOf<Tasks_[Name]>>,
    options?: EnqueueOptions | ((input: InputOf<Tasks_[Name]>, index: number) => EnqueueOptions),
  ): Promise<JobOf<Tasks_, Name>[]> {
    const lane = this.#laneFor(task)
    const added = Array.from(inputs, (input, index) =>
      this.#enqueueing.newJob(lane, input, typeof options === 'function' ? options(input, index) : options),
    )
    return Promise.all(await this.#enqueueing.add(added)) as Promise<JobOf<Tasks_, Name>[]>
  }

  /**
   * Runs a task on each input and gives the outcomes as they come, in the order in which the jobs finish. No more than
   * `buffer` jobs (default 1000) are in the queue at once, so inputs may be endless. A job that fails gives an outcome with
   * an `error`, it does not end the loop. Where the backlog is full it waits for room, whatever `onFull` says.
   */
  map<Name extends keyof Tasks_ & string>(
    task: Name,
    inputs: Iterable<InputOf<Tasks_[Name]>> | AsyncIterable<InputOf<Tasks_[Name]>>,
    options: MapOptions = {},
  ): AsyncGenerator<MappedOf<Tasks_, Name>, void, undefined> {
    const { buffer = 1000, ...rest } = options
    checkInteger('buffer', buffer, 1, 1_000_000)
    const add = async (input: unknown): Promise<Job> =>
      this.#enqueueing.addOne(this.#enqueueing.newJob(this.#laneFor(task), input, rest), 'wait')
    return mapInputs(inputs, buffer, add) as AsyncGenerator<MappedOf<Tasks_, Name>, void, undefined>
  }

  /** How many threads run jobs at most. */
  get maxWorkers(): number {
    return this.#scheduler.maxWorkers
  }

  /** How many threads are running jobs now. */
  get numWorkers(): number {
    return this.#scheduler.numWorkers
  }

  /**
   * Changes how many threads run jobs at most: 0 to 1024. More take effect at once; with fewer, running jobs finish, and
   * threads that are idle then end after `idleTimeout`. 0 holds everything.
   */
  setMaxWorkers(count: number): void {
    this.#assertOpen()
    checkMaxWorkers(count)
    this.#scheduler.maxWorkers = count
  }

  /** Starts no more jobs, of this task or of any, until `resume`. What runs goes on. Not remembered by the directory. */
  pause(task?: keyof Tasks_ & string): void {
    this.#setPaused(true, task)
  }

  /** Undoes `pause` with the same argument. */
  resume(task?: keyof Tasks_ & string): void {
    this.#setPaused(false, task)
  }

  isPaused(task?: keyof Tasks_ & string): boolean {
    return this.#scheduler.isPaused(task === undefined ? undefined : this.#lane(task))
  }

  /** The job with this id; `undefined` if there is none any more. */
  async job(id: string): Promise<Job | undefined> {
    this.#assertOpen()
    const job = await this.#store.get(checkId(id))
    return job && new Job(this.#host, job)
  }

  /** Jobs in the order of their ids: by task, then priority, then age. */
  async jobs(query: JobsQuery<keyof Tasks_ & string> = {}): Promise<Job[]> {
    this.#assertOpen()
    const found = await this.#store.list(listQueryOf(query, (task) => this.#lane(task)))
    return found.map((job) => new Job(this.#host, job))
  }

  /** How many jobs are in each state, of one task or of all. Exact, and costs no read. */
  counts(task?: keyof Tasks_ & string): JobCounts {
    this.#assertOpen()
    return this.#store.counts(task === undefined ? undefined : this.#lane(task))
  }

  /**
   * Cancels a job that has not finished: one that waits at once; one that runs is asked through `job.signal` if it reads
   * that, and else stopped by ending its thread, in synchronous code too. Fulfilled when that is done, with `false` if the job
   * had finished already.
   *
   * @throws {NoJobError} there is no such job.
   */
  async cancel(id: string): Promise<boolean> {
    this.#assertOpen()
    const place = checkId(id)
    const wasCancelled = await this.#scheduler.cancel(place)
    if (!wasCancelled) await this.#existing(place, id)
    return wasCancelled
  }

  /**
   * Sends a failed or cancelled job back to its old place in the backlog with as many attempts again, and a delayed one without
   * more waiting.
   *
   * @throws {NoJobError} there is no such job. @throws {JobStateError} it waits, runs or has completed.
   */
  async retry(id: string): Promise<void> {
    this.#assertOpen()
    const place = checkId(id)
    const { state, head } = await this.#existing(place, id)
    const task = this.#store.task(place.lane)
    const { granted: _granted, ...asEnqueued } = head
    const attempts = this.#tasks.attemptsOf(task, asEnqueued)
    if (!(await this.#store.revive(place, attempts)))
      throw new JobStateError(id, state, 'only a failed, cancelled or delayed job can be retried')
    this.#announcer.updated()
  }

  /**
   * Deletes a job that is not running.
   *
   * @throws {NoJobError} there is no such job. @throws {JobStateError} it is running.
   */
  async remove(id: string): Promise<void> {
    this.#assertOpen()
    const place = checkId(id)
    await this.#existing(place, id)
    if (!(await this.#store.remove(place))) throw new JobStateError(id, 'running', 'cancel it first')
    this.#waiters.noJob(place)
    this.#limit.admit()
    this.#scheduler.noteRemoved()
    this.#announcer.updated()
  }

  /** Deletes finished jobs, the oldest first, and says how many. */
  async clean(options: CleanOptions<keyof Tasks_ & string> = {}): Promise<number> {
    this.#assertOpen()
    const { state = 'completed', olderThan = 0, task, limit = Number.POSITIVE_INFINITY } = options
    checkCleanOptions(options)
    const before = Date.now() - olderThan + (olderThan === 0 ? 1 : 0)
    return this.#store.clean(state, before, limit, task === undefined ? undefined : this.#lane(task))
  }

  /**
   * Copies the queue, as it is now, into a new or empty directory, while it goes on. The copy opens as a queue; what is running
   * now is recovered there, as after a crash.
   *
   * @throws {BackupError} the target is not empty, or cannot be written. @throws {ClosedError} the queue was closed meanwhile.
   */
  async backup(target: string): Promise<BackedUp> {
    this.#assertOpen()
    return this.#store.backup(checkPath('target', target))
  }

  /** Fulfilled when nothing is running, waiting or delayed: at once, if that is so now. */
  idle(): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken)
    this.#assertOpen()
    return this.#scheduler.isIdle ? Promise.resolve() : this.#waiters.untilIdle()
  }

  /** Lets the process end while the queue has nothing to do but wait for delayed jobs. */
  unref(): this {
    this.#scheduler.unref()
    return this
  }

  /** Undoes `unref`. */
  ref(): this {
    this.#scheduler.ref()
    return this
  }

  /**
   * Stops starting jobs, lets those that run finish, returns the ones that take longer than `timeout` to the backlog without
   * charging the attempt, and releases the directory. Closing twice is closing once. Promises of jobs that did not finish are
   * rejected with a ClosedError.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    const { timeout = 30_000 } = options
    this.#limit.close(new ClosedError())
    this.#closing ??= this.#scheduler.close(timeout).finally(() => this.#waiters.rejectAll(new ClosedError()))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #laneFor(task: string): number {
    this.#assertOpen()
    if (this.#broken) throw this.#broken
    return this.#lane(task)
  }

  #finished(job: StoredJob): Promise<unknown> {
    if (this.#broken) return Promise.reject(this.#broken)
    if (this.#closing) return Promise.reject(new ClosedError())
    const promise = this.#waiters.untilFinished(job.place.seq)
    if (!this.#store.isLive(job.place)) this.#waiters.answer(job.place, this.#store.get(job.place))
    return promise
  }

  async #existing(place: Place, id: string): Promise<StoredJob> {
    const job = await this.#store.get(place)
    if (!job) throw new NoJobError(id)
    return job
  }

  #setPaused(isPaused: boolean, task: string | undefined): void {
    this.#assertOpen()
    this.#scheduler.setPaused(isPaused, task === undefined ? undefined : this.#lane(task))
  }

  #lane(task: string): number {
    this.#tasks.known(task)
    return this.#store.lane(task)
  }

  #assertOpen(): void {
    if (this.#closing) throw new ClosedError()
  }
}
