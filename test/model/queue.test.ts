import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue, type TestQueue } from '../support/queue.js'

/** A job that runs `needed` times before it succeeds, if it has that many attempts. */
interface Expected {
  readonly id: string
  readonly needed: number
  readonly attempts: number
  /** Attempts in all, with those that retrying granted. */
  total: number
  /** Of a pending one nothing is known but how it will end. */
  state: 'pending' | 'completed' | 'failed' | 'cancelled'
}

const TASKS = ['echo', 'failUntil'] as const
type Task = (typeof TASKS)[number]

type Step =
  | { do: 'enqueue'; needed: number; attempts: number; count: number; priority: number; delay: number }
  | { do: 'pause' | 'resume'; task: Task | undefined }
  | { do: 'resize'; to: number }
  | { do: 'cancel' | 'retry' | 'remove'; which: number }
  | { do: 'turns'; count: number }
  | { do: 'settle' }
  | { do: 'reopen'; timeout: number }

const task = fc.option(fc.constantFrom(...TASKS), { nil: undefined })
const one = fc.record({ do: fc.constantFrom('cancel', 'retry', 'remove'), which: fc.nat(200) })
const enqueue = fc.record({
  do: fc.constant('enqueue'),
  needed: fc.nat(4),
  attempts: fc.integer({ min: 1, max: 3 }),
  count: fc.integer({ min: 1, max: 8 }),
  priority: fc.integer({ min: -1, max: 1 }),
  delay: fc.constantFrom(0, 0, 3),
})

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: enqueue },
    { weight: 4, arbitrary: one },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pause', 'resume'), task }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('resize'), to: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('turns'), count: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: 'settle' }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('reopen'), timeout: fc.constantFrom(0, 30_000) }),
    },
  ),
  { minLength: 1, maxLength: 80, size: 'max' },
) as fc.Arbitrary<Step[]>

test('whatever is paused, resized, cancelled, retried, removed and reopened, every job ends as it must', async (t) => {
  const parent = await temporaryDirectory(t)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const life = new Life(t, join(parent, `${++runs}`))
      await life.open()
      for (const step of all) await life.take(step)
      await life.settle()
      await life.close()
    }),
    { seed: 7, numRuns: 6, includeErrorInReport: true, interruptAfterTimeLimit: 60_000 },
  )
})

class Life {
  readonly #t: TestContext
  readonly #directory: string
  readonly #jobs: Expected[] = []
  #opened: TestQueue | undefined

  constructor(t: TestContext, directory: string) {
    this.#t = t
    this.#directory = directory
  }

  async open(): Promise<void> {
    this.#opened = await openQueue(this.#t, { directory: this.#directory })
  }

  close(timeout = 30_000): Promise<void> {
    return this.#queue.close({ timeout })
  }

  get #queue(): TestQueue {
    return this.#opened ?? assert.fail('not open')
  }

  async take(step: Step): Promise<void> {
    const queue = this.#queue
    switch (step.do) {
      case 'enqueue':
        await this.#enqueue(step)
        break
      case 'pause':
      case 'resume':
        queue[step.do](step.task)
        assert.equal(step.do === 'resume' || queue.isPaused(step.task), true)
        break
      case 'resize':
        queue.setMaxWorkers(step.to)
        break
      case 'turns':
        for (let turn = 0; turn < step.count; turn++) await new Promise((resolve) => setImmediate(resolve))
        break
      case 'settle':
        await this.settle()
        break
      case 'reopen':
        await this.close(step.timeout)
        await this.open()
        break
      default:
        await this.#change(step.do, this.#jobs[step.which % this.#jobs.length])
    }
    const sum = Object.values(this.#queue.counts()).reduce((all, count) => all + count)
    assert.equal(sum, this.#jobs.length)
  }

  /** Lets everything run, and looks at how it ended. */
  async settle(): Promise<void> {
    const queue = this.#queue
    for (const name of [undefined, ...TASKS]) queue.resume(name)
    queue.setMaxWorkers(2)
    await queue.idle()
    for (const job of this.#jobs)
      if (job.state === 'pending') job.state = job.needed <= job.total ? 'completed' : 'failed'
    const found = await queue.jobs({ limit: 10_000 })
    assert.deepEqual(found.map(({ id, state }) => `${id} ${state}`).sort(), this.#states())
    for (const job of found) {
      const expected = this.#jobs.find(({ id }) => id === job.id) ?? assert.fail()
      assert.equal(job.attempts, expected.total)
      if (job.state === 'cancelled') continue
      assert.equal(job.attempt, Math.min(Math.max(1, expected.needed), expected.total))
      assert.equal(job.failureCount, job.state === 'failed' ? job.attempt : job.attempt - 1)
      if (job.state === 'completed') assert.equal(job.output, expected.needed)
    }
  }

  #states(): string[] {
    return this.#jobs.map(({ id, state }) => `${id} ${state}`).sort()
  }

  /** What needs no attempt to fail echoes. */
  async #enqueue({ needed, attempts, count, priority, delay }: Step & { do: 'enqueue' }): Promise<void> {
    const inputs = new Array<number>(count).fill(needed)
    const options = { priority, delay, attempts }
    const jobs =
      needed === 0
        ? await this.#queue.enqueueMany('echo', inputs, options)
        : await this.#queue.enqueueMany('failUntil', inputs, options)
    for (const { id } of jobs) this.#jobs.push({ id, needed, attempts, total: attempts, state: 'pending' })
  }

  async #change(change: 'cancel' | 'retry' | 'remove', job: Expected | undefined): Promise<void> {
    if (!job) return
    const queue = this.#queue
    if (change === 'cancel') {
      const wasCancelled = await queue.cancel(job.id)
      const { state } = (await queue.job(job.id)) ?? assert.fail()
      if (wasCancelled) {
        assert.equal(job.state, 'pending')
        job.state = 'cancelled'
        assert.equal(state, 'cancelled')
      } else assert.ok(['completed', 'failed', 'cancelled'].includes(state), state)
    } else if (change === 'retry') {
      // What is pending may have failed or not: what retrying it grants would be anyone's guess.
      if (job.state === 'pending') return
      if (job.state === 'completed')
        return assert.rejects(queue.retry(job.id), { code: 'MILLRACE_JOB_STATE' })
      await queue.retry(job.id)
      job.total += job.attempts
      job.state = 'pending'
    } else {
      const removed = await queue.remove(job.id).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          assert.equal(error.code, 'MILLRACE_JOB_STATE')
          assert.equal(job.state, 'pending')
          return false
        },
      )
      if (removed) this.#jobs.splice(this.#jobs.indexOf(job), 1)
    }
  }
}
