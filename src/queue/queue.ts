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
import { OptionError } from '../errors/errors.js'
import { type Location, pathOf } from '../files/location.js'
import type { TrustOptions } from '../files/ownership.js'
import type { EnqueueOptions } from '../job/enqueue-options.js'
import type { JobCounts, JobState } from '../job/job.js'
import { type Repaired, repairDirectory } from '../store/level/repair/repair.js'
import type { BackedUp } from '../store/store.js'
import type { InputArgs, InputOf, TaskTypes, UntypedTasks } from '../tasks/task-types.js'
import type { TasksOf, WorkersByTask } from '../tasks/typed-worker.js'
import type { EnqueueManyOptions } from './adding/inputs.js'
import type { MapOptions } from './adding/map.js'
import type { Emitter, QueueEvents } from './events.js'
import type { Job } from './jobs/job-handle.js'
import type { AnyJobOf, JobOf, MappedOf } from './jobs/job-types.js'
import type { CleanOptions, JobsQuery, ManyJobs } from './jobs/queries.js'
import { type CloseOptions, checkTrustOptions, closeSettingsOf, type QueueOptions } from './options.js'
import { type OpenedDirectory, openDirectory, QueueParts, type Recovered } from './queue-parts.js'
import { TypedEmitter } from './typed-emitter.js'

export class JobQueue<Tasks_ extends TaskTypes<Tasks_> = UntypedTasks> extends TypedEmitter<
  QueueEvents<AnyJobOf<Tasks_>>
> {
  readonly directory: string
  /** What an earlier process left behind: how many jobs were in transit, how many wait in all, which tasks have no worker. */
  readonly recovered: Recovered
  readonly #parts: QueueParts

  /**
   * Opens a queue in a directory: makes it if it is new, restores it if it is not. What was running when the last process
   * ended goes back to its old place in the backlog. Jobs start at once, unless `maxWorkers` is 0.
   *
   * What an earlier version wrote is converted. A directory that millrace makes can be entered by its owner only.
   *
   * @throws {OptionError} an option is wrong. @throws {WorkerModuleError} a worker module is missing.
   * @throws {UnsafeDirectoryError} the directory belongs to another user, or other users may write it.
   * @throws {LockedError} the directory is open already. @throws {NotAQueueError} it holds something else.
   * @throws {FormatError} a newer version wrote it. @throws {CorruptError} its files are damaged.
   * @throws {StoreError} it cannot be read or written.
   */
  static open<const Workers extends WorkersByTask>(
    directory: Location,
    options: Omit<QueueOptions, 'workers'> & { workers: Workers },
  ): Promise<JobQueue<TasksOf<Workers>>>
  static open<Tasks_ extends TaskTypes<Tasks_> = UntypedTasks>(
    directory: Location,
    options: QueueOptions<NoInfer<keyof Tasks_ & string>>,
  ): Promise<JobQueue<Tasks_>>
  static async open<Tasks_ extends TaskTypes<Tasks_> = UntypedTasks>(
    directory: Location,
    options: QueueOptions,
  ): Promise<JobQueue<Tasks_>> {
    return new JobQueue<Tasks_>(await openDirectory(pathOf('directory', directory), options))
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
   * @throws {UnsafeDirectoryError} it belongs to another user, or other users may write it.
   * @throws {FormatError} a newer version wrote it. @throws {StoreError} it cannot be read or written.
   */
  static async repair(directory: Location, options: TrustOptions = {}): Promise<Repaired> {
    checkTrustOptions('repair', options)
    return repairDirectory(pathOf('directory', directory), options)
  }

  private constructor(opened: OpenedDirectory) {
    super()
    if (typeof opened?.store !== 'object')
      throw new OptionError('open a queue with `await JobQueue.open(directory, options)`, not with `new`')
    // The types by tasks are the application's concern: within, every job is a plain `Job`.
    this.#parts = new QueueParts(this as unknown as Emitter, opened)
    this.directory = opened.directory
    this.recovered = this.#parts.recovered
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
    ...args: InputArgs<InputOf<Tasks_[Name]>, EnqueueOptions>
  ): Promise<JobOf<Tasks_, Name>> {
    try {
      const { enqueueing } = this.#parts
      return enqueueing.addOne(enqueueing.newJob(task, args[0], args[1])) as Promise<JobOf<Tasks_, Name>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Adds a job for each input in one atomic write: all of them or none. `options` holds for all, or is a function that gives
   * each its own; `key` may be such a function, too. Throws as `enqueue` does, and a BacklogFullError if there are more than
   * `maxBacklog`. An OptionError if `inputs` is no iterable, or several are to share one key.
   */
  async enqueueMany<Name extends keyof Tasks_ & string>(
    task: Name,
    inputs: Iterable<InputOf<Tasks_[Name]>>,
    options?:
      | EnqueueManyOptions<InputOf<Tasks_[Name]>>
      | ((input: InputOf<Tasks_[Name]>, index: number) => EnqueueOptions),
  ): Promise<JobOf<Tasks_, Name>[]> {
    const { enqueueing } = this.#parts
    const added = enqueueing.newJobs(task, inputs, options)
    return Promise.all(await enqueueing.add(added)) as Promise<JobOf<Tasks_, Name>[]>
  }

  /**
   * Runs a task on each input and gives the outcomes as they come, in the order in which the jobs finish. No more than
   * `buffer` jobs (default 1000) are in the queue at once, so inputs may be endless. A job that fails gives an outcome with
   * an `error`, it does not end the loop. Where the backlog is full it waits for room, whatever `onFull` says.
   *
   * If the inputs throw, or one cannot be carried, no more are read; the outcomes of those in the queue are given, then the error.
   * With `key`, inputs whose jobs are stored already give their stored outcomes. After a `break` the jobs in the queue run on,
   * unless `cancelOnBreak` says otherwise.
   */
  map<Name extends keyof Tasks_ & string>(
    task: Name,
    inputs: Iterable<InputOf<Tasks_[Name]>> | AsyncIterable<InputOf<Tasks_[Name]>>,
    options: MapOptions<InputOf<Tasks_[Name]>> = {},
  ): AsyncGenerator<MappedOf<Tasks_, Name>, void, undefined> {
    const mapped = this.#parts.enqueueing.map(task, inputs, options)
    return mapped as AsyncGenerator<MappedOf<Tasks_, Name>, void, undefined>
  }

  /** How many threads run jobs at most. */
  get maxWorkers(): number {
    return this.#parts.scheduler.maxWorkers
  }

  /** How many threads are running jobs now. */
  get numWorkers(): number {
    return this.#parts.scheduler.numWorkers
  }

  /**
   * Changes how many threads run jobs at most: 0 to 1024. More take effect at once; with fewer, running jobs finish, and
   * threads that are idle then end after `idleTimeout`. 0 holds everything.
   */
  setMaxWorkers(count: number): void {
    this.#parts.setMaxWorkers(count)
  }

  /** Starts no more jobs, of this task or of any, until `resume`. What runs goes on. Not remembered by the directory. */
  pause(task?: keyof Tasks_ & string): void {
    this.#parts.setPaused(true, task)
  }

  /** Undoes `pause` with the same argument. */
  resume(task?: keyof Tasks_ & string): void {
    this.#parts.setPaused(false, task)
  }

  isPaused(task?: keyof Tasks_ & string): boolean {
    return this.#parts.isPaused(task)
  }

  /** The job with this id; `undefined` if there is none any more. */
  job(id: string): Promise<AnyJobOf<Tasks_> | undefined> {
    return this.#parts.jobs.get(id) as Promise<AnyJobOf<Tasks_> | undefined>
  }

  /** Jobs in the order of their ids: by task, then priority, then age. */
  jobs<Name extends keyof Tasks_ & string = keyof Tasks_ & string>(
    query: JobsQuery<Name> = {},
  ): Promise<AnyJobOf<Tasks_, Name>[]> {
    return this.#parts.jobs.list(query) as Promise<Job[]> as Promise<AnyJobOf<Tasks_, Name>[]>
  }

  /**
   * How many jobs are in each state, of one task or of all. Exact, and costs no read.
   *
   * @throws {UnknownTaskError} no worker was given for the task, and it never had a job.
   */
  counts(task?: keyof Tasks_ & string): JobCounts {
    return this.#parts.jobs.counts(task)
  }

  /**
   * Cancels a job that has not finished: one that waits at once; one that runs is asked through `job.signal` if it reads
   * that, and else stopped by ending its thread, in synchronous code too. Fulfilled when that is done, with `false` if the job
   * had finished already.
   *
   * @throws {NoJobError} there is no such job.
   */
  cancel(id: string): Promise<boolean> {
    return this.#parts.jobs.cancel(id)
  }

  /** Cancels all jobs that match and have not finished, as `cancel` does, and says how many. Default: all. */
  cancelAll(which: ManyJobs<'waiting' | 'delayed' | 'running', keyof Tasks_ & string> = {}): Promise<number> {
    return this.#parts.jobs.cancelAll(which)
  }

  /**
   * Sends a failed or cancelled job back to its old place in the backlog with as many attempts again, and a delayed one without
   * more waiting.
   *
   * @throws {NoJobError} there is no such job. @throws {JobStateError} it waits, runs or has completed.
   */
  retry(id: string): Promise<void> {
    return this.#parts.jobs.retry(id)
  }

  /** Retries all jobs that match, as `retry` does, and says how many. Default: all failed ones. */
  retryAll(which: ManyJobs<'failed' | 'cancelled' | 'delayed', keyof Tasks_ & string> = {}): Promise<number> {
    return this.#parts.jobs.retryAll(which)
  }

  /**
   * Deletes a job that is not running.
   *
   * @throws {NoJobError} there is no such job. @throws {JobStateError} it is running.
   */
  remove(id: string): Promise<void> {
    return this.#parts.jobs.remove(id)
  }

  /** Deletes all jobs that match and are not running, and says how many. Default: all of them, those that wait too. */
  removeAll(which: ManyJobs<Exclude<JobState, 'running'>, keyof Tasks_ & string> = {}): Promise<number> {
    return this.#parts.jobs.removeAll(which)
  }

  /** Deletes finished jobs, the oldest first, and says how many. */
  clean(options: CleanOptions<keyof Tasks_ & string> = {}): Promise<number> {
    return this.#parts.jobs.clean(options)
  }

  /**
   * Copies the queue, as it is now, into a new or empty directory, while it goes on. The copy opens as a queue; what is running
   * now is recovered there, as after a crash.
   *
   * The copy is never open to more users than the queue's own directory.
   *
   * @throws {BackupError} the target is not empty, or cannot be written.
   * @throws {UnsafeDirectoryError} the target belongs to another user, or other users may write it. @throws {ClosedError} the queue was closed meanwhile.
   */
  async backup(target: Location, options: TrustOptions = {}): Promise<BackedUp> {
    checkTrustOptions('backup', options)
    this.#parts.lifetime.assertOpen()
    return this.#parts.store.backup(pathOf('target', target), options)
  }

  /** Fulfilled when nothing is running, waiting or delayed: at once, if that is so now. */
  async idle(): Promise<void> {
    await this.#parts.shutdown.idle()
  }

  /** Fulfilled when nothing is running or waiting: at once, if that is so now. Delayed jobs and retries are not waited for. */
  async drain(): Promise<void> {
    await this.#parts.shutdown.drain()
  }

  /** Lets the process end while the queue has nothing to do but wait for delayed jobs. */
  unref(): this {
    this.#parts.scheduler.unref()
    return this
  }

  /** Undoes `unref`. */
  ref(): this {
    this.#parts.scheduler.ref()
    return this
  }

  /**
   * Stops starting jobs (with `drain`: when those that wait have run), lets those that run finish, returns the ones that take longer
   * than `timeout` to the backlog without charging the attempt, and releases the directory. Closing twice is closing once. Promises
   * of jobs that did not finish are rejected with a ClosedError. A process that is killed while it closes charges none of its jobs.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    await this.#parts.shutdown.close(closeSettingsOf(options))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
