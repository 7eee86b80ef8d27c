/** `queue.map`: a job for each input, the outcomes as they come, and never more than so many jobs in the queue. */

import type { EnqueueOptions } from '../job/enqueue-options.js'
import type { Job } from './job-handle.js'

export interface MapOptions extends Omit<EnqueueOptions, 'key'> {
  /** How many of the jobs may be in the queue at once: 1 to 1,000,000. Default 1000. */
  buffer?: number
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

export async function* mapInputs<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  buffer: number,
  enqueue: (input: Input) => Promise<Job>,
): AsyncGenerator<Mapped<Input, unknown>, void, undefined> {
  const done: Mapped<Input, unknown>[] = []
  const changed = new Signal()
  let inQueue = 0
  let isFed = false
  let isStopped = false
  let failure: { error: unknown } | undefined

  const fail = (error: unknown) => {
    failure ??= { error }
    isStopped = true
    changed.fire()
  }
  const run = async (input: Input, index: number) => {
    const job = await enqueue(input).catch(fail)
    if (!job) return
    const mapped: Mapped<Input, unknown> = await job.finished().then(
      (output) => ({ index, input, output }),
      (error: Error) => ({ index, input, error }),
    )
    done.push(mapped)
    changed.fire()
  }
  const feed = async () => {
    let index = 0
    for await (const input of inputs) {
      while (inQueue >= buffer && !isStopped) await changed.next()
      if (isStopped) return
      inQueue++
      void run(input, index++)
    }
    isFed = true
    changed.fire()
  }

  feed().catch(fail)
  try {
    while (!failure && (!isFed || inQueue > 0)) {
      for (let next = done.shift(); next; next = done.shift()) {
        inQueue--
        changed.fire()
        yield next
      }
      if (!failure && (!isFed || inQueue > 0) && done.length === 0) await changed.next()
    }
    if (failure) throw failure.error
  } finally {
    isStopped = true
    changed.fire()
  }
}

/** Wakes whoever awaits `next`. */
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
