/** `millrace run`: one job per input, through a worker module, in a directory that outlives the process. */
import { availableParallelism } from 'node:os'
import { LockedError } from '../../errors/directory-errors.js'
import { JobQueue } from '../../queue/queue.js'
import { say } from '../printable.js'
import { UsageError } from '../usage-error.js'
import { Feed, type FeedOptions } from './feed.js'
import { findInputs, type Inputs } from './inputs.js'
import { makeJobDirectory } from './job-directory.js'
import { Leftovers } from './leftovers.js'
import { checkExport, type FoundModule, findModule, taskOf } from './module.js'
import { Output, reserveStandardOutput } from './output.js'
import { type Counts, Progress } from './progress.js'
import { restoredText } from './restored.js'
import { Results } from './results.js'

export interface RunOptions extends FeedOptions {
  readonly dir: string
  readonly export: string
  readonly inputFile?: string
  readonly json?: boolean
  readonly maxWorkers?: number
  readonly unfinished?: boolean
  readonly trustDirectory?: boolean
  readonly quiet?: boolean
}

const ALL = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  age: Number.POSITIVE_INFINITY,
}
const FAILED = 1
const NOT_WRITTEN = 2
const INTERRUPTED = 130

/** Runs the command. Returns its exit code. */
export async function run(given: string, args: readonly string[], options: RunOptions): Promise<number> {
  const stdout = reserveStandardOutput()
  const module = await findModule(given)
  const inputs = await findInputs(args, options.inputFile, options.json ?? false)
  await checkExport(module, options.export)
  const task = taskOf(module, options.export)
  await makeJobDirectory(options.dir)
  const queue = await open(module, task, options)
  if (!options.quiet) for (const line of restoredText(queue, task, options.dir)) say(line)
  return new Run(queue, task, module, options, stdout).finish(inputs)
}

async function open(module: FoundModule, task: string, options: RunOptions): Promise<JobQueue> {
  try {
    return await JobQueue.open(options.dir, {
      workers: { [task]: { module: module.url, export: options.export } },
      // What has finished is remembered, so that the same command does not do it again, and its result names the input.
      keep: { completed: { ...ALL, input: true }, failed: ALL, cancelled: ALL },
      // Somebody waits: a module that cannot be loaded is told at once.
      loadTimeout: 0,
      trustDirectory: options.trustDirectory ?? false,
      // Nothing runs before it is known what this command line gives.
      maxWorkers: 0,
    })
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    throw new UsageError(
      `${error.message}. Commands that run at the same time need a directory each: --dir <directory>`,
      { cause: error },
    )
  }
}

/**
 * Runs until each input has its result, or until it is stopped.
 *
 * ```
 *  running ──all results are there──▶ closing ──▶ ended
 *     └──signal, results cannot be written, queue broken──▶ stopping ──what runs has finished──▶ ended
 * ```
 */
class Run {
  readonly #queue: JobQueue
  readonly #task: string
  readonly #options: RunOptions
  readonly #progress: Progress
  readonly #results: Results
  readonly #leftovers: Leftovers
  readonly #feed: Feed
  readonly #stop = new AbortController()
  /** Why it was stopped: the exit code for that, or the error of the queue. */
  #stoppedBy: number | Error | undefined
  #isAllRead = false

  constructor(
    queue: JobQueue,
    task: string,
    module: FoundModule,
    options: RunOptions,
    stdout: NodeJS.WriteStream,
  ) {
    const openedAt = new Date()
    this.#queue = queue
    this.#task = task
    this.#options = options
    const output = new Output(stdout, (error) => this.#cannotWrite(error))
    this.#progress = new Progress(process.stderr, options.quiet ?? false, () => this.#counts())
    this.#results = new Results(output, this.#progress, module, openedAt)
    this.#leftovers = new Leftovers(queue, task, options.maxWorkers ?? availableParallelism(), openedAt)
    this.#feed = new Feed(
      {
        queue,
        task,
        moduleVersion: module.version,
        results: this.#results,
        leftovers: this.#leftovers,
        openedAt,
      },
      options,
    )
    queue.on('finished', (job) => this.#feed.finished(job))
    queue.on('log', (_job, text, dropped) => {
      if (dropped > 0) this.#progress.line(`millrace: ${dropped} lines came too fast and are not shown`)
      this.#progress.line(text)
    })
    // Whatever waits then is not told otherwise, such as a wait for inputs.
    queue.on('error', (error) => this.#stopWith(error))
  }

  async finish(inputs: Inputs): Promise<number> {
    const { signal } = this.#stop
    const onSignal = (name: NodeJS.Signals) => this.#onSignal(name)
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal)
    this.#progress.start()
    try {
      if (this.#options.unfinished) await this.#leftovers.releaseAll()
      await this.#feed.take(inputs, signal)
      this.#isAllRead = true
      await this.#queue.idle()
      this.#sayAtEnd()
    } catch (error) {
      // The queue was closed, or a wait ended, because it was stopped.
      if (!signal.aborted) throw error
    } finally {
      await this.#close()
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal)
    }
    if (this.#stoppedBy instanceof Error) throw this.#stoppedBy
    return this.#stoppedBy ?? (this.#results.failed > 0 ? FAILED : 0)
  }

  #counts(): Counts {
    const { waiting, delayed, running } = this.#queue.counts(this.#task)
    const { done, earlier, failed } = this.#results
    return {
      total: Math.max(this.#feed.read, done + waiting + delayed + running),
      isAllRead: this.#isAllRead,
      done,
      doneBefore: earlier,
      failed,
      running,
    }
  }

  #sayAtEnd(): void {
    this.#progress.stop()
    const earlier = this.#results.earlierText()
    if (earlier !== undefined && (!this.#options.quiet || this.#results.outdated > 0)) say(earlier)
    const aside = this.#leftovers.asideText(this.#options.dir)
    if (aside !== undefined) say(aside)
  }

  /** A terminal that is closed may say so twice, which is no wish for haste. */
  #onSignal(name: NodeJS.Signals): void {
    if (this.#stop.signal.aborted && name !== 'SIGHUP') process.exit(INTERRUPTED)
    this.#stopOrderly('', INTERRUPTED)
  }

  #cannotWrite(error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE') this.#stopOrderly('nobody reads the results: ', INTERRUPTED)
    else this.#stopOrderly(`the results cannot be written (${error.message}): `, NOT_WRITTEN)
  }

  /** Lets what runs finish, and keeps the rest. */
  #stopOrderly(why: string, exitCode: number): void {
    if (this.#stop.signal.aborted) return
    this.#progress.stop()
    say(`${why}finishing what runs (Ctrl-C: stop at once); the same command goes on with the rest`)
    this.#stopWith(exitCode)
  }

  #stopWith(reason: number | Error): void {
    if (this.#stop.signal.aborted) return
    this.#stoppedBy = reason
    // Closing first: what the abort wakes up must find the queue closed. Should that fail, finish() says it.
    this.#close().catch(() => {})
    this.#stop.abort()
  }

  async #close(): Promise<void> {
    this.#progress.stop()
    await this.#queue.close({ timeout: Number.POSITIVE_INFINITY })
    await this.#results.drained()
  }
}
