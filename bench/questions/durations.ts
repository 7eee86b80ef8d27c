/** What of the threads' time reaches the jobs. */
import { calibrate } from '../../workers/spin.js'
import type { Question, Row, Run, Target } from '../question.js'
import { bareRateOf, openPiscina, openQueue, pipeline, rateOf, SPIN, THREADS, warmUp } from '../subject.js'

/** So many jobs are unfinished at any moment, on each side. */
const WIDTH = 64
const RUN_MS = 3000

const question: Question = {
  title: 'Jobs of 1, 10 and 100 ms of CPU',
  how: `Jobs per second on ${THREADS} threads, ${WIDTH} unfinished at any moment, durable to disk. Both sides do the same number of
rounds per job, and have had 20,000 jobs of no length before, 4 at a time, as a process has that has run for a while. In a new process:
the first 3 seconds, with nothing before but the start of the threads; code is still interpreted then, and compilers take their share
of the cores.`,
  unit: 'jobs/s',
  digits: 1,
  better: 'more',
  common: calibrate,
  rows: [
    ...[1, 10, 100].flatMap((ms) => rowsOf(`${ms} ms`, ms, warm, { atLeast: ms === 1 ? 0.97 : 0.99 })),
    ...rowsOf('1 ms, in a new process', 1, cold),
  ],
}
export default question

type Once = (rounds: number) => Promise<unknown>

/** Measures the rate of jobs of so many rounds. */
type Measure = (count: number, rounds: number, once: Once, run: Run) => Promise<number>

async function warm(count: number, rounds: number, once: Once, run: Run): Promise<number> {
  await warmUp(run, () => once(0))
  return rateOf(count, (some) => pipeline(some, WIDTH, () => once(rounds)))
}

async function cold(count: number, rounds: number, once: Once): Promise<number> {
  await Promise.all(Array.from({ length: THREADS }, () => once(0)))
  return bareRateOf(count, (some) => pipeline(some, WIDTH, () => once(rounds)))
}

function rowsOf(name: string, ms: number, measure: Measure, target?: Target): Row[] {
  const rate = (run: Run, once: Once) => measure(jobsOf(ms, run), Math.round(run.common * ms), once, run)
  return [
    {
      name: `raw Piscina, ${name}`,
      async measure(run) {
        const pool = openPiscina(SPIN)
        const figure = await rate(run, (rounds) => pool.run(rounds, { name: 'spinRounds' }))
        await pool.destroy()
        return figure
      },
    },
    {
      name: `millrace, ${name}`,
      against: `raw Piscina, ${name}`,
      ...(target && { target }),
      async measure(run) {
        const queue = await openQueue(run.directory)
        const figure = await rate(run, async (rounds) =>
          (await queue.enqueue('spinRounds', rounds)).finished(),
        )
        await queue.close()
        return figure
      },
    },
  ]
}

function jobsOf(ms: number, { quick }: Run): number {
  return Math.ceil((THREADS * (quick ? 200 : RUN_MS)) / ms)
}
