/** What TypeScript makes of the queue: checked when the tests are compiled, and run where running says something too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AnyJobOf,
  type InputOf,
  type Job,
  type JobContext,
  type JobCounts,
  type JobLog,
  JobQueue,
  type Mapped,
  type OutputOf,
  type QueueEvents,
  UnknownTaskError,
  worker,
} from '../../src/index.js'
import type * as fixture from '../fixtures/worker.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE, openQueue } from '../support/queue.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile unless the value's type is just `Expected`. */
function expectType<Expected>() {
  return <Actual>(_value: Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void => {}
}

/** For what is to be compiled and not to be run. */
function compiled(_run: () => unknown): void {}

interface Tasks {
  sum: (input: { a: number; b: number }) => number
  fetch: (input: URLSearchParams | string, job: JobContext) => Promise<{ bytes: number }>
  sometimes: (input?: 'now' | 'later') => string | undefined
  none: () => void
  any: (input: unknown) => unknown
  never: (input: null) => never
  module: { default: (input: readonly string[]) => Promise<Map<string, number>> }
}

declare const queue: JobQueue<Tasks>
type AnyJob = AnyJobOf<Tasks>

test('inputs and outputs are those of the worker', () => {
  expectType<{ a: number; b: number }>()(null as unknown as InputOf<Tasks['sum']>)
  expectType<number>()(null as unknown as OutputOf<Tasks['sum']>)
  expectType<{ bytes: number }>()(null as unknown as OutputOf<Tasks['fetch']>)
  expectType<'now' | 'later' | undefined>()(null as unknown as InputOf<Tasks['sometimes']>)
  expectType<undefined>()(null as unknown as InputOf<Tasks['none']>)
  expectType<readonly string[]>()(null as unknown as InputOf<Tasks['module']>)
  expectType<Map<string, number>>()(null as unknown as OutputOf<Tasks['module']>)
  expectType<{ a: number; b: number }>()(null as unknown as InputOf<typeof fixture.add>)
  expectType<number>()(null as unknown as OutputOf<typeof fixture.add>)
  expectType<string>()(null as unknown as OutputOf<typeof fixture>)
  compiled(async () => {
    const job = await queue.enqueue('sum', { a: 1, b: 2 })
    expectType<Job<{ a: number; b: number }, number, 'sum'>>()(job)
    expectType<'sum'>()(job.task)
    expectType<{ a: number; b: number }>()(job.input)
    expectType<number>()(job.output)
    expectType<number>()(await job.finished())
    expectType<{ bytes: number }>()(await (await queue.enqueue('fetch', 'a=b')).finished())
    expectType<void>()(await (await queue.enqueue('none')).finished())
    expectType<Map<string, number>>()(await (await queue.enqueue('module', ['a'])).finished())
  })
})

test('inputs of another type are refused', () => {
  compiled(() => {
    // @ts-expect-error: b is missing
    queue.enqueue('sum', { a: 1 })
    // @ts-expect-error: b is no number
    queue.enqueue('sum', { a: 1, b: '2' })
    // @ts-expect-error: an input is needed
    queue.enqueue('sum')
    // @ts-expect-error: it is no input of this task
    queue.enqueue('sometimes', 'never')
    // @ts-expect-error: it takes none
    queue.enqueue('none', 1)
    // @ts-expect-error: one input of several is wrong
    queue.enqueueMany('sum', [{ a: 1, b: 2 }, { a: 1 }])
    // @ts-expect-error: so it is for map
    queue.map('sum', ['a'])
  })
})

test('what a worker saves has the type that it is given back in the next attempt', () => {
  compiled((job: JobContext<{ user: number }, { from: number }> = null as never) => {
    expectType<{ from: number } | undefined>()(job.saved)
    expectType<{ user: number }>()(job.meta)
    job.checkpoint({ from: 1 })
    // @ts-expect-error it is not what `saved` says
    job.checkpoint({ form: 1 })
    expectType<Date>()(job.enqueuedAt)
    expectType<string | undefined>()(job.key)
  })
  compiled(async () => {
    const job = await queue.job('')
    expectType<JobLog | undefined>()(job?.log)
    expectType<unknown>()(job?.progress)
  })
})

test('the input may be left out where undefined is one, and options follow it', () => {
  compiled(() => {
    queue.enqueue('sometimes')
    queue.enqueue('sometimes', undefined, { priority: 1 })
    queue.enqueue('none', undefined, { delay: 5 })
    queue.enqueue('any')
    queue.enqueue('any', Symbol())
    queue.enqueue('sum', { a: 1, b: 2 }, { runAt: new Date(), backoff: { base: 5 }, meta: { user: 7 } })
    // @ts-expect-error: no such option
    queue.enqueue('sum', { a: 1, b: 2 }, { retries: 5 })
    // @ts-expect-error: of another type
    queue.enqueue('sum', { a: 1, b: 2 }, { priority: 'high' })
  })
})

test('types flow through enqueueMany and map', () => {
  compiled(async () => {
    expectType<Job<{ a: number; b: number }, number, 'sum'>[]>()(
      await queue.enqueueMany('sum', new Set([{ a: 1, b: 2 }]), (input, index) => ({
        priority: input.a + index,
      })),
    )
    for await (const outcome of queue.map('fetch', ['a', new URLSearchParams()])) {
      expectType<Mapped<string | URLSearchParams, { bytes: number }>>()(outcome)
      expectType<string | URLSearchParams>()(outcome.input)
      if (outcome.error) expectType<Error>()(outcome.error)
      else expectType<{ bytes: number }>()(outcome.output)
    }
    // @ts-expect-error: a key would make them all one job
    queue.map('sum', [], { key: 'k' })
  })
})

test('tasks that are not there are refused, by the compiler and when it runs', async (t) => {
  const real = await openQueue(t, { maxWorkers: 0 })
  // @ts-expect-error: no such task
  await assert.rejects(real.enqueue('resize', 1), UnknownTaskError)
  // @ts-expect-error: no such task
  await assert.rejects(real.enqueueMany('resize', [1]), UnknownTaskError)
  // @ts-expect-error: no such task
  assert.throws(() => real.counts('resize'), UnknownTaskError)
  // @ts-expect-error: no such task
  assert.throws(() => real.pause('resize'), UnknownTaskError)
  // @ts-expect-error: no such task
  await assert.rejects(real.jobs({ task: 'resize' }), UnknownTaskError)
})

test('open wants a module for each task, and for no others', () => {
  type Two = Pick<Tasks, 'sum' | 'none'>
  compiled(() => {
    JobQueue.open<Two>('jobs', { workers: { sum: FIXTURE, none: { module: FIXTURE, attempts: 1 } } })
    JobQueue.open<Two>('jobs', {
      workers: ({ task }) => {
        expectType<'sum' | 'none'>()(task)
        return `./workers/${task}.js`
      },
    })
    // @ts-expect-error: none is missing
    JobQueue.open<Two>('jobs', { workers: { sum: FIXTURE } })
    // @ts-expect-error: other is unknown
    JobQueue.open<Two>('jobs', { workers: { sum: FIXTURE, none: FIXTURE, other: FIXTURE } })
    // @ts-expect-error: a factory is not async
    JobQueue.open<Two>('jobs', { workers: async () => FIXTURE })
    // @ts-expect-error: a task is a function, or a module with one
    JobQueue.open<{ sum: number }>('jobs', { workers: { sum: FIXTURE } })
    // @ts-expect-error: the module has no default export
    JobQueue.open<{ sum: { named: () => void } }>('jobs', { workers: { sum: FIXTURE } })
  })
})

test('without types, tasks take and give the unknown', async (t) => {
  const untyped = await JobQueue.open(await temporaryDirectory(t), {
    workers: { echo: { module: FIXTURE, export: 'echo' } },
  })
  t.after(() => untyped.close())
  const job = await untyped.enqueue('echo', { any: 'thing' })
  expectType<Job<unknown, unknown, 'echo'>>()(job)
  expectType<unknown>()(await job.finished())
  assert.deepEqual(await job.finished(), { any: 'thing' })
})

test('events have the types of what they tell', () => {
  compiled(() => {
    queue.on('finished', (job) => expectType<AnyJob>()(job))
    queue.on('updated', (counts) => expectType<JobCounts>()(counts))
    queue.on('progress', (job, value) => {
      expectType<AnyJob>()(job)
      expectType<unknown>()(value)
    })
    queue.on('log', (_job, text) => expectType<string>()(text))
    queue.on('error', (error) => expectType<Error>()(error))
    queue.once('idle', () => {})
    // @ts-expect-error: idle tells nothing
    queue.once('idle', (job: Job) => job)
    // @ts-expect-error: the text is a string
    queue.on('log', (_job, text: number) => text)
    // @ts-expect-error: there is no such event
    queue.on('complete', () => {})
    // @ts-expect-error: nor has `once` one
    queue.once('finish', () => {})
    // @ts-expect-error: nor has `off`
    queue.off('ended', () => {})
  })
  const names: Record<keyof QueueEvents, true> = {
    updated: true,
    started: true,
    finished: true,
    completed: true,
    failed: true,
    retrying: true,
    cancelled: true,
    progress: true,
    log: true,
    idle: true,
    withoutWorker: true,
    error: true,
  }
  assert.equal(Object.keys(names).length, 12)
})

test('looking jobs up gives a union that the task narrows', () => {
  compiled(async () => {
    const job = await queue.job('id')
    expectType<AnyJob | undefined>()(job)
    if (job?.task === 'sum') {
      expectType<{ a: number; b: number }>()(job.input)
      expectType<number>()(job.output)
    }
    const [first] = await queue.jobs({ task: 'module' })
    expectType<readonly string[] | undefined>()(first?.input)
    const [any] = await queue.jobs()
    expectType<AnyJob | undefined>()(any)
    // @ts-expect-error: there is no such task
    if (job?.task === 'resize') return
  })
})

test('a map of typed workers says the types of its tasks', () => {
  compiled(async () => {
    const typed = await JobQueue.open('jobs', {
      workers: {
        add: worker<typeof fixture, 'add'>(FIXTURE, { export: 'add', concurrency: 2 }),
        where: worker<typeof fixture>(FIXTURE),
        plain: FIXTURE,
      },
    })
    const sum = await typed.enqueue('add', { a: 1, b: 2 })
    expectType<number>()(await sum.finished())
    expectType<unknown>()(await (await typed.enqueue('plain', 1)).finished())
    // @ts-expect-error: b is missing
    typed.enqueue('add', { a: 1 })
    // @ts-expect-error: no such task
    typed.enqueue('sub', { a: 1, b: 2 })
    // @ts-expect-error: no such option
    worker<typeof fixture>(FIXTURE, { concurrent: 2 })
  })
  assert.deepEqual(worker(FIXTURE, { export: 'add', concurrency: 2 }), {
    module: FIXTURE,
    export: 'add',
    concurrency: 2,
  })
})

test('what cannot be sent does not compile', () => {
  interface Unsendable {
    callback: (input: { done: () => void }) => void
    promise: (input: Promise<number>) => void
    nested: (input: { list: { key: symbol }[] }) => void
    map: (input: Map<string, () => void>) => void
    instance: (input: URLSearchParams) => void
    data: (input: { at: Date; bytes: Uint8Array; tags: Set<string>; tuple: [number, string?] }) => void
  }
  compiled((sender = null as unknown as JobQueue<Unsendable>) => {
    // @ts-expect-error: a function
    sender.enqueue('callback', { done: () => {} })
    // @ts-expect-error: a promise
    sender.enqueue('promise', Promise.resolve(1))
    // @ts-expect-error: a symbol
    sender.enqueue('nested', { list: [{ key: Symbol() }] })
    // @ts-expect-error: a function in a Map
    sender.enqueue('map', new Map([['a', () => {}]]))
    // @ts-expect-error: an instance of a class with methods
    sender.enqueue('instance', new URLSearchParams())
    sender.enqueue('data', { at: new Date(), bytes: Buffer.of(1), tags: new Set(['a']), tuple: [1] })
  })
})

test('a queue that is disposed of is closed', async (t) => {
  const directory = await temporaryDirectory(t)
  let disposed: JobQueue | undefined
  {
    await using scoped = await JobQueue.open(directory, { workers: { echo: FIXTURE } })
    disposed = scoped
  }
  assert.throws(() => disposed?.counts(), { code: 'MILLRACE_CLOSED' })
})
