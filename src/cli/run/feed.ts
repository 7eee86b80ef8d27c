/** Makes jobs of inputs, and gives each input the result of its job. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { type MillraceError, TooLargeError, ValueError } from '../../errors/errors.js'
import type { EnqueueOptions } from '../../job/enqueue-options.js'
import type { Job } from '../../queue/jobs/job-handle.js'
import type { JobQueue } from '../../queue/queue.js'
import type { BadInput, Input, Inputs } from './inputs.js'
import type { Leftovers } from './leftovers.js'
import type { Results, RunMeta } from './results.js'

export interface FeedOptions {
  readonly buffer: number
  readonly attempts?: number
  readonly timeout?: number
  readonly priority?: number
  readonly retryFailed?: boolean
  readonly fresh?: boolean
}

export interface FeedParts {
  readonly queue: JobQueue
  readonly task: string
  readonly moduleVersion: string
  readonly results: Results
  readonly leftovers: Leftovers
  readonly openedAt: Date
}

/** How many jobs are added in one write at most. */
const CHUNK = 1000

/**
 * A job that finishes in this run has its result written there and then, in whatever order it and its input come to be known:
 * restored jobs may finish before their input is read. Memory holds the jobs that have not finished, `buffer` of them at most.
 */
export class Feed {
  readonly #parts: FeedParts
  readonly #options: FeedOptions
  /** By the ids of jobs that have not finished: how many inputs, equal ones, wait for it. */
  readonly #awaited = new Map<string, number>()
  /** Jobs that finished in this run and that no input has asked for yet. */
  readonly #ahead = new Set<string>()
  /** Jobs that finished while the inputs at hand were being enqueued: what was read of these jobs may be older. */
  readonly #meanwhile = new Map<string, Job>()
  /** How many inputs were read. */
  read = 0

  constructor(parts: FeedParts, options: FeedOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Takes all inputs. Aborting the signal ends its waits. */
  async take(inputs: Inputs, signal: AbortSignal): Promise<void> {
    const step = Math.min(CHUNK, this.#options.buffer)
    for await (const some of inputs.read(signal))
      for (let at = 0; at < some.length; at += step)
        await this.#takeSome(some.slice(at, at + step), inputs, signal)
    await this.#parts.leftovers.release((id) => this.#awaited.has(id))
  }

  /** To be called with each job that finishes. */
  finished(job: Job): void {
    const inputs = this.#awaited.get(job.id)
    // A left job that was put aside.
    if (inputs === undefined && job.state === 'cancelled') return
    this.#meanwhile.set(job.id, job)
    if (inputs === undefined) this.#ahead.add(job.id)
    else this.#awaited.delete(job.id)
    for (let input = 0; input < (inputs ?? 1); input++) this.#parts.results.add(job)
  }

  async #takeSome(some: readonly (Input | BadInput)[], source: Inputs, signal: AbortSignal): Promise<void> {
    const { queue, results, leftovers } = this.#parts
    const inputs: Input[] = []
    for (const input of some) {
      if ('why' in input) this.#refuse(source.placeOf(input.number), input.number, input.why)
      else inputs.push(input)
    }
    this.read += some.length
    const isGiven = (id: string) => this.#awaited.has(id)
    const isFull = () => this.#awaited.size + inputs.length > this.#options.buffer
    if (isFull()) await leftovers.release(isGiven)
    while (isFull()) await once(queue, 'finished', { signal })
    this.#meanwhile.clear()
    for (const job of await this.#jobsOf(inputs, source)) await this.#expect(job)
    this.#meanwhile.clear()
    await leftovers.releaseIfComplete(isGiven)
    await results.drained()
  }

  /** Writes the result of an input, now or when its job has finished. */
  async #expect(asRead: Job): Promise<void> {
    // Its result is written already, for this input.
    if (this.#ahead.delete(asRead.id)) return
    const job = this.#meanwhile.get(asRead.id) ?? asRead
    const awaited = this.#awaited.get(job.id)
    const isFinished = job.finishedAt !== undefined && awaited === undefined
    if (isFinished && !this.#isToRetry(job)) return this.#parts.results.add(job)
    this.#awaited.set(job.id, (awaited ?? 0) + 1)
    if (isFinished) await job.retry()
    else if (awaited === undefined) this.#parts.leftovers.given(job)
  }

  /** What was put aside. Of failed jobs only what failed in an earlier run: the same input may come twice. */
  #isToRetry(job: Job): boolean {
    if (job.state === 'cancelled') return true
    const { retryFailed = false } = this.#options
    return retryFailed && job.state === 'failed' && this.#isFinishedEarlier(job)
  }

  /** The jobs of those inputs that are not refused. */
  async #jobsOf(inputs: readonly Input[], source: Inputs): Promise<Job[]> {
    const jobs = await this.#enqueue(inputs, source)
    const replaced = new Map<string, Job>()
    const again: Input[] = []
    jobs.forEach((job, index) => {
      const input = inputs[index]
      if (!job || !input || !this.#isToReplace(job, input)) return
      replaced.set(job.id, job)
      again.push(input)
    })
    if (again.length === 0) return jobs.filter((job) => job !== undefined)
    await Promise.all([...replaced.values()].map((job) => job.remove()))
    const others = jobs.filter((job) => job !== undefined && !replaced.has(job.id))
    const anew = await this.#enqueue(again, source)
    return [...others, ...anew].filter((job) => job !== undefined)
  }

  /** Whether the job of this input is to be replaced: with `--fresh`, or because a job of this name has another input. */
  #isToReplace(job: Job, { value }: Input): boolean {
    if (this.#awaited.has(job.id) || this.#ahead.has(job.id) || job.state === 'running') return false
    if (this.#options.fresh && this.#isFinishedEarlier(job)) return true
    const isToRun = job.finishedAt === undefined || this.#isToRetry(job)
    return isToRun && this.#parts.leftovers.isLeft(job) && !isDeepStrictEqual(job.input, value)
  }

  #isFinishedEarlier({ finishedAt }: Job): boolean {
    return finishedAt !== undefined && finishedAt < this.#parts.openedAt
  }

  /** One job, or `undefined` if it was refused, for each input. */
  async #enqueue(inputs: readonly Input[], source: Inputs): Promise<(Job | undefined)[]> {
    const { queue, task } = this.#parts
    try {
      const options = inputs.map((input) => this.#optionsOf(input))
      return await queue.enqueueMany(
        task,
        inputs.map(({ value }) => value),
        (_value, index) => options[index] ?? {},
      )
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    // One of them was refused. Each on its own, to see which.
    return Promise.all(inputs.map((input) => this.#enqueueOne(input, source)))
  }

  async #enqueueOne(input: Input, source: Inputs): Promise<Job | undefined> {
    try {
      return await this.#parts.queue.enqueue(this.#parts.task, input.value, this.#optionsOf(input))
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#refuse(source.placeOf(input.number), input.number, error.message, error)
      return undefined
    }
  }

  #refuse(place: string, line: number, why: string, error?: MillraceError): void {
    const { name, code } = error ?? { name: 'InputError', code: 'MILLRACE_INPUT' }
    this.#parts.results.addRefused(line, {
      name,
      message: `${place} ${error ? `is refused: ${why}` : why}`,
      code,
    })
  }

  #optionsOf({ name }: Input): EnqueueOptions<RunMeta> {
    const { attempts, timeout, priority } = this.#options
    return {
      key: createHash('sha256').update(name).digest('base64url'),
      meta: { module: this.#parts.moduleVersion },
      ...(attempts !== undefined && { attempts }),
      ...(timeout !== undefined && { timeout }),
      ...(priority !== undefined && { priority }),
    }
  }
}

/** Whether an input cannot be carried, by what it is. */
function isRefusal(error: unknown): error is MillraceError {
  return error instanceof ValueError || error instanceof TooLargeError
}
