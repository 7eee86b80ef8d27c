/**
 * One life of the torture's application: opens the queue, enqueues and runs at full speed, and waits to be killed. The last
 * life enqueues nothing, and closes when all is done.
 */
import { once } from 'node:events'
import { argv, env, stdout } from 'node:process'
import { type EnqueueOptions, type Job, JobQueue, type QueueOptions } from '../../src/index.js'
import { chanceOf } from '../support/chance.js'
import { FactBook, type Input, type Kind } from './facts.js'
import type torture from './torture-worker.js'

export interface LifeOptions {
  readonly seed: number
  /** How many jobs it enqueues at most. */
  readonly jobs: number
  readonly maxWorkers: number
  readonly durability: 'disk' | 'process'
  /** Whether it cancels some. */
  readonly cancels: boolean
  readonly isLast: boolean
}

interface Tasks {
  one: typeof torture
  other: typeof torture
}
type Name = keyof Tasks & string

const MOST_WAITING = 1000
const PRODUCERS = 4

const [, , directory = '', text = ''] = argv
const options = JSON.parse(text) as LifeOptions
const chance = chanceOf(options.seed)
const book = new FactBook(env.TORTURE_FACTS ?? '')
const module = new URL('./torture-worker.js', import.meta.url)
const { maxWorkers, durability, cancels } = options
const everything = { count: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY }
const settings: QueueOptions<Name> = {
  workers: { one: module, other: module },
  keep: { completed: everything, failed: everything, cancelled: everything },
  backoff: [1, 5],
  maxWorkers,
  durability,
}

stdout.write('opening\n')
const queue = await JobQueue.open<Tasks>(directory, settings)
const { returned, failed } = queue.recovered
book.write({
  is: 'opened',
  life: Number(env.TORTURE_LIFE),
  maxWorkers,
  cancels,
  recovered: returned + failed,
})
queue.on('error', trouble)
queue.on('finished', (job) => report('event', job.id, job.state))
queue.on('retrying', ({ id, attempt }) => book.write({ is: 'retrying', id, attempt }))
stdout.write('open\n')
if (options.isLast) {
  await queue.idle()
  await queue.close()
} else {
  let left = options.jobs
  const produce = async () => {
    while (left > 0) {
      if (queue.counts().waiting > MOST_WAITING) await once(queue, 'finished')
      const count = Math.min(left, chance.is(0.2) ? 1 + chance.below(100) : 1)
      left -= count
      await (count > 1 ? enqueueMany(count) : enqueueOne())
    }
  }
  await Promise.all(Array.from({ length: PRODUCERS }, produce))
  setInterval(() => {}, 1000)
}

async function enqueueOne(): Promise<void> {
  const input = newInput()
  const choice = newOptions()
  const job = await queue.enqueue(newTask(), input, choice)
  // A job with a key may be one of an earlier life, whose input and options hold.
  if (choice.key === undefined || job.input?.n === input.n) acknowledge([[job, input, choice]])
  if (cancels && chance.is(0.2)) cancel(job.id)
}

async function enqueueMany(count: number): Promise<void> {
  const inputs = Array.from({ length: count }, newInput)
  const { key: _key, ...choice } = newOptions()
  const jobs = await queue.enqueueMany(newTask(), inputs, choice)
  acknowledge(jobs.map((job, index) => [job, inputs[index] as Input, choice]))
}

function acknowledge(jobs: (readonly [Job, Input, EnqueueOptions])[]): void {
  book.write(
    ...jobs.map(([{ id }, { kind, n }, { attempts = 3, delay = 0, key }]) => {
      const fact = { is: 'acknowledged', id, kind, n, attempts, isDelayed: Number(delay) > 0 } as const
      return key === undefined ? fact : { ...fact, key }
    }),
  )
  for (const [job] of jobs)
    if (chance.is(0.3))
      job.finished().then(
        () => report('promise', job.id, 'completed'),
        ({ code, message }: { code: string; message: string }) => {
          if (code === 'MILLRACE_JOB_FAILED') report('promise', job.id, 'failed')
          else if (code === 'MILLRACE_JOB_CANCELLED') report('promise', job.id, 'cancelled')
          else book.write({ is: 'trouble', message })
        },
      )
}

function cancel(id: string): void {
  queue.cancel(id).then((wasCancelled) => {
    if (wasCancelled) book.write({ is: 'cancelled', id })
  }, trouble)
}

function report(by: 'event' | 'promise', id: string, state: Job['state']): void {
  if (state === 'completed' || state === 'failed' || state === 'cancelled')
    book.write({ is: 'reported', by, id, state })
  else book.write({ is: 'trouble', message: `${id} was reported as finished while ${state}` })
}

function trouble(error: Error): void {
  book.write({ is: 'trouble', message: String(error.stack) })
}

function newTask(): Name {
  return chance.is(0.9) ? 'one' : 'other'
}

function newInput(): Input {
  const roll = chance.below(100)
  const kinds: [below: number, kind: Kind][] = [
    [84, 'plain'],
    [88, 'slow'],
    [94, 'flaky'],
    [98, 'bad'],
  ]
  const kind = kinds.find(([below]) => roll < below)?.[1] ?? 'hopeless'
  return { kind, n: chance.below(2 ** 32) }
}

function newOptions(): EnqueueOptions {
  return {
    attempts: 1 + chance.below(4),
    ...(chance.is(0.3) && { priority: chance.below(5) - 2 }),
    ...(chance.is(0.1) && { delay: 1 + chance.below(100) }),
    ...(chance.is(0.1) && { key: `key ${chance.below(200)}` }),
  }
}
