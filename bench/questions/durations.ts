/** What of the threads' time reaches the jobs. */
import { calibrate } from '../../workers/spin.js'
import type { Question, Row, Run } from '../question.js'
import { openPiscina, openQueue, pipeline, rateOf, SPIN, THREADS } from '../subject.js'

/** So many jobs are unfinished at any moment, on each side. */
const WIDTH = 64
const RUN_MS = 3000
/** Jobs of no length that go before, few at a time, so that what is measured is not the compiling of either side's code. */
const WARM_UP = 20_000
const WARM_UP_WIDTH = 4

const question: Question = {
  title: 'Jobs of 1, 10 and 100 ms of CPU',
  how: `Jobs per second on ${THREADS} threads, ${WIDTH} unfinished at any moment, durable to disk. Both sides do the same number of
rounds per job, and have had 20,000 jobs of no length before, 4 at
a time.`,
  unit: 'jobs/s',
  digits: 1,
  better: 'more',
  common: calibrate,
  rows: [1, 10, 100].flatMap((ms): Row[] => [
    {
      name: `raw Piscina, ${ms} ms`,
      async measure(run) {
        const pool = openPiscina(SPIN)
        const once = (rounds: number) => pool.run(rounds, { name: 'spinRounds' })
        const rate = await rateAfterWarmUp(ms, run, once)
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
        const once = async (rounds: number) => (await queue.enqueue('spinRounds', rounds)).finished()
        const rate = await rateAfterWarmUp(ms, run, once)
        await queue.close()
        return rate
      },
    },
  ]),
}
export default question

async function rateAfterWarmUp(
  ms: number,
  run: Run,
  once: (rounds: number) => Promise<unknown>,
): Promise<number> {
  await pipeline(run.quick ? 1000 : WARM_UP, WARM_UP_WIDTH, () => once(0))
  const rounds = Math.round(run.common * ms)
  return rateOf(jobsOf(ms, run), (count) => pipeline(count, WIDTH, () => once(rounds)))
}

function jobsOf(ms: number, { quick }: Run): number {
  return Math.ceil((THREADS * (quick ? 200 : RUN_MS)) / ms)
}
