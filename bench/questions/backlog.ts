/** What it costs that many jobs wait, or were running when the process was killed. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Question, Row, Run } from '../question.js'
import { fill, openQueue } from '../subject.js'

const IN_TRANSIT = 100_000

const question: Question = {
  title: 'Memory and opening, with many jobs waiting or in transit',
  how: `Jobs with a number as input wait in a queue with \`maxWorkers\` 0. Memory: the process's resident set after enqueueing
them, 10,000 at a time, and a garbage collection. Opening: the time that \`JobQueue.open\` takes in a new process. In transit: a
process has claimed the jobs, 100 to a waybill, as a thousand threads would hold them, and was killed with SIGKILL.`,
  unit: 'MB, ms',
  better: 'less',
  rows: [
    memory('MB resident, empty', 0),
    memory('MB resident, 1 million waiting', 1_000_000, { target: { atMost: 200 } }),
    memory('MB resident, 10 million waiting', 10_000_000, { target: { atMost: 200 }, isLong: true }),
    opening('ms to open, empty', 0),
    opening('ms to open, 1 million waiting', 1_000_000, { target: { atMost: 300 } }),
    opening('ms to open, 10 million waiting', 10_000_000, { target: { atMost: 300 }, isLong: true }),
    recovering('ms to open, 100 thousand in transit', { target: { atMost: 2000 } }),
  ],
}
export default question

/** Quick runs have fiftieths. */
function sized(jobs: number, { quick }: Run): number {
  return quick ? jobs / 50 : jobs
}

function memory(name: string, waiting: number, rest: Partial<Row> = {}): Row {
  return {
    name,
    isSteady: true,
    ...rest,
    async measure(run) {
      const queue = await openQueue(run.directory, { maxWorkers: 0 })
      await fill(queue, sized(waiting, run))
      globalThis.gc?.()
      const { rss } = process.memoryUsage()
      await queue.close()
      return rss / 1e6
    },
  }
}

function opening(name: string, waiting: number, rest: Partial<Row> = {}): Row {
  return {
    name,
    ...rest,
    async prepare(run) {
      const queue = await openQueue(run.directory, { maxWorkers: 0, durability: 'process' })
      await fill(queue, sized(waiting, run))
      await queue.close()
    },
    measure: ({ directory }) => timeToOpen(directory, 0),
  }
}

function recovering(name: string, rest: Partial<Row> = {}): Row {
  return {
    name,
    ...rest,
    async prepare(run) {
      const holder = fork(new URL('../transit-holder.js', import.meta.url), [
        run.directory,
        String(sized(IN_TRANSIT, run)),
      ])
      const ended = once(holder, 'exit')
      await Promise.race([
        once(holder, 'message'),
        ended.then(([code]) => {
          throw new Error(`the process that was to hold the jobs ended with code ${code}`)
        }),
      ])
      holder.kill('SIGKILL')
      await ended
    },
    measure: (run) => timeToOpen(run.directory, sized(IN_TRANSIT, run)),
  }
}

async function timeToOpen(directory: string, inTransit: number): Promise<number> {
  const before = performance.now()
  const queue = await openQueue(directory, { maxWorkers: 0 })
  const took = performance.now() - before
  const { returned } = queue.recovered
  await queue.close()
  if (returned !== inTransit) throw new Error(`${returned} jobs were in transit, not ${inTransit}`)
  return took
}
