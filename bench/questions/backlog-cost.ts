/** Whether a job costs more when many others wait. */
import type { Question, Row, Run } from '../question.js'
import { fill, openQueue } from '../subject.js'

const BATCH = 1000
/** So many more than are to wait are in the queue, for those that run, and those that have run and are not replaced yet. */
const AHEAD = 4000
const WARM_UP = 20_000
const finishedOf = ({ quick }: Run) => (quick ? 10_000 : 100_000)

/** Nothing waits but as many as there must be: what the others are compared with. */
const BASE = '1 thousand waiting'
const FLAT = { against: BASE, target: { atMost: 1.15 } }

const question: Question = {
  title: 'The cost of a job by the size of the backlog',
  how: `Jobs that do nothing, durable to disk: the time that passes at full speed for each that finishes. For each thousand that
finish another thousand is enqueued, so that at least as many wait as are said to. Each is opened anew, with that many waiting.`,
  unit: 'µs per job',
  digits: 1,
  better: 'less',
  rows: [
    row(BASE, 1000),
    row('100 thousand waiting', 100_000, FLAT),
    row('1 million waiting', 1_000_000, FLAT),
    row('10 million waiting', 10_000_000, { ...FLAT, isLong: true }),
  ],
}
export default question

function row(name: string, waiting: number, rest: Partial<Row> = {}): Row {
  return {
    name,
    ...rest,
    async prepare(run) {
      const queue = await openQueue(run.directory, { maxWorkers: 0, durability: 'process' })
      await fill(queue, AHEAD + (run.quick ? Math.min(waiting, 20_000) : waiting))
      await queue.close()
    },
    async measure(run) {
      const queue = await openQueue(run.directory)
      const count = finishedOf(run)
      const inputs = new Array<number>(BATCH).fill(0)
      const tookMs = await new Promise<number>((resolve, reject) => {
        let finished = 0
        let startedAt = 0
        queue.on('finished', () => {
          finished++
          if (finished % BATCH === 0) queue.enqueueMany('noop', inputs).catch(reject)
          if (finished === WARM_UP) startedAt = performance.now()
          if (finished === WARM_UP + count) resolve(performance.now() - startedAt)
        })
      })
      queue.removeAllListeners('finished')
      await queue.close({ timeout: 0 })
      return (tookMs * 1000) / count
    },
  }
}
