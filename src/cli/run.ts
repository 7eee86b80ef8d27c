/** `millrace run`: one job per input, through a worker module, in a directory that outlives the process. */
import { createHash } from 'node:crypto'
import { relative, resolve, sep } from 'node:path'
import { ClosedError } from '../errors.js'
import type { Job } from '../handle.js'
import type { EnqueueOptions } from '../job.js'
import { JobQueue } from '../queue.js'
import { readInputs } from './inputs.js'
import { Output } from './output.js'
import { type Counts, Progress } from './progress.js'

export interface RunOptions {
  dir: string
  export: string
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
export async function run(module: string, inputs: readonly string[], options: RunOptions): Promise<number> {
  const task = taskOf(module, options.export)
  const queue = await JobQueue.open(options.dir, {
    workers: { [task]: { module: resolve(module), export: options.export } },
    // What has finished is remembered, so that the same command does not do it again.
    keep: { completed: ALL, failed: ALL, cancelled: ALL },
    ...(options.maxWorkers !== undefined && { maxWorkers: options.maxWorkers }),
  })
  return new Run(queue, task, options).finish(inputs)
}

class Run {
  readonly #queue: JobQueue
  readonly #task: string
  readonly #options: RunOptions
  readonly #output: Output
  readonly #progress: Progress
  /** The jobs whose results are written. */
  readonly #written = new Set<string>()
  #failed = 0
  #isInterrupted = false

  constructor(queue: JobQueue, task: string, options: RunOptions) {
    this.#queue = queue
    this.#task = task
    this.#options = options
    if (!options.quiet) this.#sayRestored()
    this.#output = new Output(process.stdout, () => this.#interrupt())
    this.#progress = new Progress(process.stderr, options.quiet ?? false, () => this.#counts())
    queue.on('finished', (job) => this.#write(job))
    queue.on('log', (_job, text) => this.#progress.line(text))
    queue.on('error', (error) => this.#progress.line(`millrace: ${error.message}`))
  }

  async finish(inputs: readonly string[]): Promise<number> {
    const interrupt = () => this.#interrupt()
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    try {
      await this.#feed(inputs)
      await this.#queue.idle()
    } catch (error) {
      if (!(this.#isInterrupted && error instanceof ClosedError)) throw error
    } finally {
      await this.#close()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    }
    if (this.#isInterrupted) return INTERRUPTED
    return this.#failed > 0 ? 1 : 0
  }

  /** Enqueues every input, and writes the results of those that finished in an earlier run. */
  async #feed(inputs: readonly string[]): Promise<void> {
    const { inputFile, json = false, retryFailed = false } = this.#options
    for await (const chunk of readInputs({ inputs, inputFile, json }, CHUNK)) {
      const jobs = await this.#queue.enqueueMany(this.#task, chunk, (input) => this.#optionsOf(input))
      for (const job of jobs) {
        if (job.finishedAt === undefined) continue
        if (job.state === 'completed' || !retryFailed) this.#write(job)
        else if (!this.#written.has(job.id)) await job.retry()
      }
      await this.#output.drained()
    }
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

  #write(job: Job): void {
    if (this.#written.has(job.id)) return
    this.#written.add(job.id)
    if (job.state !== 'completed') this.#failed++
    this.#output.write(job)
  }

  #counts(): Counts {
    const { waiting, delayed, running } = this.#queue.counts(this.#task)
    const done = this.#written.size
    return { total: done + waiting + delayed + running, done, failed: this.#failed, running }
  }

  #sayRestored(): void {
    const { waiting, delayed, completed, failed, cancelled } = this.#queue.counts(this.#task)
    const finished = completed + failed + cancelled
    const { returned } = this.#queue.recovered
    if (waiting + delayed + finished > 0)
      console.error(
        `millrace: restored ${waiting + delayed} jobs (${returned} of them were running), ${finished} finished before`,
      )
    const all = this.#queue.counts()
    const others = all.waiting + all.delayed - waiting - delayed
    if (others > 0)
      console.error(`millrace: ${others} jobs of other worker modules wait in ${this.#options.dir}`)
  }

  /** The first time, what runs may finish; the second time, nothing may. */
  #interrupt(): void {
    if (this.#isInterrupted) process.exit(INTERRUPTED)
    this.#isInterrupted = true
    void this.#close()
    console.error(
      'millrace: finishing what runs (again: stop at once); the same command goes on with the rest',
    )
  }

  async #close(): Promise<void> {
    this.#progress.stop()
    await this.#queue.close({ timeout: Number.POSITIVE_INFINITY })
    await this.#output.drained()
  }
}

/** A task's name: its module as seen from the working directory, and its export. */
function taskOf(module: string, exportName: string): string {
  const path = relative(process.cwd(), resolve(module)).split(sep).join('/')
  return exportName === 'default' ? path : `${path}#${exportName}`
}
