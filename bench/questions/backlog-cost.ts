/** Whether a job costs more when many others wait. */
import type { Question, Row, Run } from '../question.js'
import { openQueue } from '../subject.js'

const BATCH = 1000
const WARM_UP = 20_000
const finishedOf = ({ quick }: Run) => (quick ? 10_000 : 100_000)

const question: Question = {
  title: 'Throughput by the size of the backlog',
  how: `Jobs that do nothing, durable to disk: for each thousand that finish another thousand is enqueued, so that the backlog stays
as large as it is. Each is opened anew, with that many waiting.`,
  unit: 'jobs/s',
  rows: [
    row('1 thousand waiting', 1000),
    row('100 thousand waiting', 100_000, { against: '1 thousand waiting', target: { atLeast: 0.85 } }),
    row('1 million waiting', 1_000_000, { against: '1 thousand waiting', target: { atLeast: 0.85 } }),
    row('10 million waiting', 10_000_000, {
      against: '1 thousand waiting',
      target: { atLeast: 0.85 },
      isLong: true,
    }),
  ],
}
export default question

function row(name: string, waiting: number, rest: Partial<Row> = {}): Row {
  return {
    name,
    ...rest,
    async prepare(run) {
      const queue = await openQueue(run.directory, { maxWorkers: 0, durability: 'process' })
      const jobs = run.quick ? Math.min(waiting, 20_000) : waiting
      for (let added = 0; added < jobs; added += BATCH) await queue.enqueueMany('noop', batch())
      await queue.close()
    },
    async measure(run) {
      const queue = await openQueue(run.directory)
      const count = finishedOf(run)
      const took = await new Promise<number>((resolve, reject) => {
        let finished = 0
        let startedAt = 0
        queue.on('finished', () => {
          finished++
          if (finished % BATCH === 0) queue.enqueueMany('noop', batch()).catch(reject)
          if (finished === WARM_UP) startedAt = performance.now()
          if (finished === WARM_UP + count) resolve(performance.now() - startedAt)
        })
      })
      queue.removeAllListeners('finished')
      await queue.close({ timeout: 0 })
      return (count / took) * 1000
    },
  }
}

function batch(): number[] {
  return new Array<number>(BATCH).fill(0)
}
