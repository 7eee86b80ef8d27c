/** What of the threads' time reaches the jobs. */
import { calibrate } from '../../workers/spin.js'
import type { Question, Row, Run } from '../question.js'
import { openPiscina, openQueue, pipeline, rateOf, SPIN, THREADS } from '../subject.js'

/** So many jobs are unfinished at any moment, on each side. */
const WIDTH = 64
const RUN_MS = 2500

const question: Question = {
  title: 'Jobs of 1, 10 and 100 ms of CPU',
  how: `Jobs per second on ${THREADS} threads, ${WIDTH} unfinished at any moment, durable to disk. Both sides do the same number of
rounds per job.`,
  unit: 'jobs/s',
  digits: 1,
  better: 'more',
  common: calibrate,
  rows: [1, 10, 100].flatMap((ms): Row[] => [
    {
      name: `raw Piscina, ${ms} ms`,
      async measure(run) {
        const pool = openPiscina(SPIN)
        const rounds = Math.round(run.common * ms)
        const rate = await rateOf(jobsOf(ms, run), (count) =>
          pipeline(count, WIDTH, () => pool.run(rounds, { name: 'spinRounds' })),
        )
        await pool.destroy()
        return rate
      },
    },
    {
      name: `millrace, ${ms} ms`,
      against: `raw Piscina, ${ms} ms`,
      target: { atLeast: ms === 1 ? 0.95 : 0.99 },
      async measure(run) {
        const queue = await openQueue(run.directory)
        const rounds = Math.round(run.common * ms)
        const rate = await rateOf(jobsOf(ms, run), (count) =>
          pipeline(count, WIDTH, async () => (await queue.enqueue('spinRounds', rounds)).finished()),
        )
        await queue.close()
        return rate
      },
    },
  ]),
}
export default question

function jobsOf(ms: number, { quick }: Run): number {
  return Math.ceil((THREADS * (quick ? 200 : RUN_MS)) / ms)
}
