/**
 * `queue.map`: a job for each input, the outcomes as they come, and never more than so many jobs in the queue.
 *
 * ```
 *  reading ──the source ends──▶ finishing ──every outcome is given──▶ done
 *     │   └──the source throws, or an input cannot be enqueued──▶ failing ──every outcome is given──▶ throws
 *     └──the loop is left──▶ left
 * ```
 *
 * Reading takes one input at a time, as long as fewer than `buffer` jobs are in the queue. Failing reads no more, gives the outcomes
 * of the jobs that are in the queue already, then throws. Who leaves the loop leaves the jobs that are in the queue to run, or has them
 * cancelled.
 */

import { OptionError } from '../../errors/errors.js'
import { checkInteger, show } from '../../errors/option-checks.js'
import { type EnqueueOptions, headOfOptions } from '../../job/enqueue-options.js'
import type { Job } from '../jobs/job-handle.js'
import type { EnqueueManyOptions } from './inputs.js'

export interface MapOptions<Input = unknown> extends Omit<EnqueueOptions, 'key'> {
  /** How many of the jobs may be in the queue at once: 1 to 1,000,000. Default 1000. */
  buffer?: number
  /**
   * Gives each input its key. An input whose key belongs to a job that waits, runs or is kept gives the outcome of that job: a program
   * that is killed and started again goes on where it was. Inputs with equal keys give the outcome of one job. Default: no keys.
   */
  key?: (input: Input, index: number) => string
  /** Cancel the jobs that have not finished when the loop is left early (`break`, `return`, an error). Default: they run. */
  cancelOnBreak?: boolean
}

/** The outcome of one input: with `output` if its job completed, with `error` if it failed or was cancelled. */
export type Mapped<Input, Output> = {
  /** The input's place in the order of the inputs, counted from 0. */
  readonly index: number
  readonly input: Input
} & (
  | { readonly output: Output; readonly error?: undefined }
  | { readonly error: Error; readonly output?: undefined }
)

interface MapSettings {
  readonly buffer: number
  readonly cancelOnBreak: boolean
}

/** The settings of the loop, and the options of each job. @throws {OptionError} an option is of the wrong type or out of range. */
export function mapSettingsOf<Input>({ buffer = 1000, cancelOnBreak = false, ...each }: MapOptions<Input>): {
  settings: MapSettings
  each: EnqueueManyOptions<Input>
} {
  checkInteger('buffer', buffer, 1, 1_000_000)
  if (typeof cancelOnBreak !== 'boolean')
    throw new OptionError(`cancelOnBreak must be true or false, got ${show(cancelOnBreak)}`)
  if (each.key !== undefined && typeof each.key !== 'function')
    throw new OptionError(`key must be a function that gives each input its key, got ${show(each.key)}`)
  // What does not depend on an input is checked now, and not with the first one.
  const { key: _key, ...shared } = each
  headOfOptions(shared)
  return { settings: { buffer, cancelOnBreak }, each }
}

export async function* mapInputs<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  { buffer, cancelOnBreak }: MapSettings,
  enqueue: (input: Input, index: number) => Promise<Job>,
): AsyncGenerator<Mapped<Input, unknown>, void, undefined> {
  const done: Mapped<Input, unknown>[] = []
  const changed = new Signal()
  /** Jobs in the queue whose outcome is not known yet. */
  const unfinished = new Set<Job>()
  /** Inputs that were read, and whose outcome was not given yet. */
  let inQueue = 0
  let isFed = false
  let isLeft = false
  let failure: { error: unknown } | undefined

  const fail = (error: unknown) => {
    failure ??= { error }
    changed.fire()
  }
  const run = async (input: Input, index: number) => {
    try {
      const job = await enqueue(input, index)
      if (isLeft && cancelOnBreak) return await cancel(job)
      unfinished.add(job)
      done.push(await outcomeOf(job, input, index))
      unfinished.delete(job)
    } catch (error) {
      inQueue--
      fail(error)
    }
    changed.fire()
  }
  const feed = async () => {
    let index = 0
    for await (const input of inputs) {
      while (inQueue >= buffer && !isLeft && !failure) await changed.next()
      if (isLeft || failure) return
      inQueue++
      void run(input, index++)
    }
    isFed = true
    changed.fire()
  }

  feed().catch(fail)
  try {
    while (inQueue > 0 || !(isFed || failure)) {
      const next = done.shift()
      if (!next) {
        await changed.next()
        continue
      }
      inQueue--
      changed.fire()
      yield next
    }
    if (failure) throw failure.error
  } finally {
    isLeft = true
    changed.fire()
    if (cancelOnBreak) await Promise.all([...unfinished].map(cancel))
  }
}

async function outcomeOf<Input>(job: Job, input: Input, index: number): Promise<Mapped<Input, unknown>> {
  try {
    // A job that had completed before may be deleted at any moment: its handle has the output.
    return { index, input, output: job.state === 'completed' ? job.output : await job.finished() }
  } catch (error) {
    return { index, input, error: error as Error }
  }
}

async function cancel(job: Job): Promise<void> {
  // It may have finished, or the queue may be closed: then there is nothing to cancel.
  await job.cancel().catch(() => {})
}

/** Wakes the caller that awaits `next`. */
class Signal {
  #waiting: (() => void)[] = []

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  fire(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
