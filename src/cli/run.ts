/** `millrace run`: one job per input, through a worker module, in a directory that outlives the process. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { EnqueueOptions } from '../job/enqueue-options.js'
import type { Job } from '../queue/job-handle.js'
import { JobQueue } from '../queue/queue.js'
import { findInputs, type Inputs } from './inputs.js'
import { makeJobDirectory } from './job-directory.js'
import { findModule, taskOf } from './module.js'
import { Output } from './output.js'
import { type Counts, Progress } from './progress.js'
import { restoredText } from './restored.js'

export interface RunOptions {
  dir: string
  export: string
  buffer: number
  inputFile?: string
  json?: boolean
  maxWorkers?: number
  attempts?: number
  timeout?: number
  priority?: number
  retryFailed?: boolean
  quiet?: boolean
}

const CHUNK = 1000
const ALL = { count: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY }
const INTERRUPTED = 130

/** Runs the command. Returns its exit code. */
export async function run(given: string, args: readonly string[], options: RunOptions): Promise<number> {
  const module = await findModule(given)
  const inputs = await findInputs(args, options.inputFile, options.json ?? false)
  const task = taskOf(module, options.export)
  await makeJobDirectory(options.dir)
  const queue = await JobQueue.open(options.dir, {
    workers: { [task]: { module: module.url, export: options.export } },
    // What has finished is remembered, so that the same command does not do it again.
    keep: { completed: ALL, failed: ALL, cancelled: ALL },
    ...(options.maxWorkers !== undefined && { maxWorkers: options.maxWorkers }),
  })
  if (!options.quiet) for (const line of restoredText(queue, task, options.dir)) console.error(line)
  return new Run(queue, task, options).finish(inputs)
}

/**
 * A job that finishes in this run has its line written there and then, in whatever order it and its input come to be known:
 * restored jobs may finish before their input is read. Memory holds the jobs that have not finished, `buffer` of them at most.
 */
class Run {
  readonly #queue: JobQueue
  readonly #task: string
  readonly #options: RunOptions
  readonly #output: Output
  readonly #progress: Progress
  readonly #openedAt = new Date()
  readonly #interruption = new AbortController()
  /** By the ids of jobs that have not finished: how many inputs, equal ones, wait for it. */
  readonly #awaited = new Map<string, number>()
  /** Jobs that finished in this run and that no input has asked for yet. */
  readonly #ahead = new Set<string>()
  /** Jobs that finished while the inputs at hand were being enqueued: what was read of these jobs may be older. */
  readonly #meanwhile = new Map<string, Job>()
  #read = 0
  #isAllRead = false
  #done = 0
  #doneBefore = 0
  #failed = 0

  constructor(queue: JobQueue, task: string, options: RunOptions) {
    this.#queue = queue
    this.#task = task
    this.#options = options
    this.#output = new Output(process.stdout, () => this.#interrupt('nobody reads the results: '))
    this.#progress = new Progress(process.stderr, options.quiet ?? false, () => this.#counts())
    queue.on('finished', (job) => this.#finished(job))
    queue.on('log', (_job, text) => this.#progress.line(text))
    // What waits for the queue fails with the same error, and says it.
    queue.on('error', () => {})
  }

  async finish(inputs: Inputs): Promise<number> {
    const { signal } = this.#interruption
    const onSignal = () => {
      if (signal.aborted) process.exit(INTERRUPTED)
      this.#interrupt('')
    }
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
    try {
      for await (const some of inputs(signal))
        for (let at = 0; at < some.length; at += this.#step) await this.#feed(some.slice(at, at + this.#step))
      this.#isAllRead = true
      await this.#queue.idle()
    } catch (error) {
      // The queue was closed, or the wait for inputs ended, because of the interruption.
      if (!signal.aborted) throw error
    } finally {
      await this.#close()
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    }
    if (signal.aborted) return INTERRUPTED
    return this.#failed > 0 ? 1 : 0
  }

  get #step(): number {
    return Math.min(CHUNK, this.#options.buffer)
  }

  /** Enqueues inputs, and writes the results of those that finished in an earlier run. */
  async #feed(inputs: readonly unknown[]): Promise<void> {
    const { signal } = this.#interruption
    while (this.#awaited.size + inputs.length > this.#options.buffer)
      await once(this.#queue, 'finished', { signal })
    this.#meanwhile.clear()
    const jobs = await this.#queue.enqueueMany(this.#task, inputs, (input) => this.#optionsOf(input))
    for (const asRead of jobs) {
      this.#read++
      // Its line is written already, for this input.
      if (this.#ahead.delete(asRead.id)) continue
      const job = this.#meanwhile.get(asRead.id) ?? asRead
      const isFinished = job.finishedAt !== undefined && !this.#awaited.has(job.id)
      if (isFinished && !this.#isToRetry(job)) {
        this.#write(job)
        if (job.finishedAt < this.#openedAt) this.#doneBefore++
        continue
      }
      this.#awaited.set(job.id, (this.#awaited.get(job.id) ?? 0) + 1)
      if (isFinished) await job.retry()
    }
    this.#meanwhile.clear()
    await this.#output.drained()
  }

  #optionsOf(input: unknown): EnqueueOptions {
    const { attempts, timeout, priority, json = false } = this.#options
    const name = `${json ? 'json' : 'text'} ${JSON.stringify(input)}`
    return {
      key: createHash('sha256').update(name).digest('base64url'),
      // A completed job has its input no more, but its result is to name it.
      meta: { input },
      ...(attempts !== undefined && { attempts }),
      ...(timeout !== undefined && { timeout }),
      ...(priority !== undefined && { priority }),
    }
  }

  /** Only what failed in an earlier run: the same input may come twice. */
  #isToRetry(job: Job): boolean {
    const { retryFailed = false } = this.#options
    return retryFailed && job.state !== 'completed' && (job.finishedAt ?? this.#openedAt) < this.#openedAt
  }

  #finished(job: Job): void {
    const inputs = this.#awaited.get(job.id)
    this.#meanwhile.set(job.id, job)
    if (inputs === undefined) this.#ahead.add(job.id)
    else this.#awaited.delete(job.id)
    for (let input = 0; input < (inputs ?? 1); input++) this.#write(job)
  }

  #write(job: Job): void {
    this.#done++
    const write = () => {
      if (!this.#output.write(job) || job.state !== 'completed') this.#failed++
    }
    if (process.stdout.isTTY) this.#progress.apart(write)
    else write()
  }

  #counts(): Counts {
    const { waiting, delayed, running } = this.#queue.counts(this.#task)
    return {
      total: Math.max(this.#read, this.#done + waiting + delayed + running),
      isAllRead: this.#isAllRead,
      done: this.#done,
      doneBefore: this.#doneBefore,
      failed: this.#failed,
      running,
    }
  }

  /** Lets what runs finish, and keeps the rest. */
  #interrupt(why: string): void {
    if (this.#interruption.signal.aborted) return
    this.#progress.stop()
    console.error(
      `millrace: ${why}finishing what runs (Ctrl-C: stop at once); the same command goes on with the rest`,
    )
    // Closing first: what the abort wakes up must find the queue closed. Should that fail, finish() says it.
    this.#close().catch(() => {})
    this.#interruption.abort()
  }

  async #close(): Promise<void> {
    this.#progress.stop()
    await this.#queue.close({ timeout: Number.POSITIVE_INFINITY })
    await this.#output.drained()
  }
}
