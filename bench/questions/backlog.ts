/** What a large backlog costs. */
import type { Question } from '../question.js'
import { openQueue } from '../subject.js'

const BATCH = 10_000

/** Enqueues jobs, which wait: many at a time. */
async function fill(queue: Awaited<ReturnType<typeof openQueue>>, jobs: number): Promise<void> {
  for (let added = 0; added < jobs; added += BATCH)
    await queue.enqueueMany(
      'noop',
      Array.from({ length: BATCH }, (_, index) => added + index),
    )
}

const MILLION = 1_000_000

const question: Question = {
  title: 'A large backlog: memory and opening',
  how: `Jobs with a number as input wait in a queue with \`maxWorkers\` 0. Memory: the process's resident set after enqueueing
them, 10,000 at a time, and a garbage collection. Opening: the time that \`JobQueue.open\` takes in a new process.`,
  unit: 'MB, ms',
  rows: [
    memory('MB resident, empty', 0),
    memory('MB resident, 1 million waiting', 1, { target: { atMost: 300 } }),
    memory('MB resident, 10 million waiting', 10, { target: { atMost: 300 }, isLong: true }),
    opening('ms to open, empty', 0),
    opening('ms to open, 1 million waiting', 1, { target: { atMost: 1000 } }),
    opening('ms to open, 10 million waiting', 10, { target: { atMost: 1000 }, isLong: true }),
  ],
}
export default question

function memory(
  name: string,
  millions: number,
  rest: Partial<Question['rows'][number]> = {},
): Question['rows'][number] {
  return {
    name,
    ...rest,
    async measure(run) {
      const jobs = run.quick ? millions * 20_000 : millions * MILLION
      const queue = await openQueue(run.directory, { maxWorkers: 0 })
      await fill(queue, jobs)
      globalThis.gc?.()
      const { rss } = process.memoryUsage()
      await queue.close()
      return rss / 1e6
    },
  }
}

function opening(
  name: string,
  millions: number,
  rest: Partial<Question['rows'][number]> = {},
): Question['rows'][number] {
  return {
    name,
    ...rest,
    async prepare(run) {
      const queue = await openQueue(run.directory, { maxWorkers: 0, durability: 'process' })
      await fill(queue, run.quick ? millions * 20_000 : millions * MILLION)
      await queue.close()
    },
    async measure(run) {
      const before = performance.now()
      const queue = await openQueue(run.directory, { maxWorkers: 0 })
      const took = performance.now() - before
      await queue.close()
      return took
    },
  }
}
