/** How many jobs that do nothing pass through in a second. */
import type { Question, Row, Run } from '../question.js'
import { NOOP, openPiscina, openQueue, pipeline, rateOf, THREADS } from '../subject.js'

/** So many jobs are unfinished at any moment, on each side. */
const WIDTH = 4000
const jobsOf = ({ quick }: Run) => (quick ? 5000 : 300_000)
/** Of Piscina's `concurrentTasksPerWorker`: the best is shown. */
const AT_ONCE = [1, 16, 256, 1024]
const PIPELINED = 'Piscina, pipelined'

const question: Question = {
  title: 'No-op jobs per second, end to end',
  how: `From the call to the reported outcome, ${WIDTH} unfinished at any moment. Millrace: each \`enqueue\` is fsynced before it
resolves (group commit), each outcome is stored before it is reported, the last 10,000 are kept. Piscina stores nothing. Raw: a thread has one task at a time, as by default. Pipelined: it is sent further
ones while it works (\`concurrentTasksPerWorker\` at the best of ${AT_ONCE.join(', ')}).`,
  unit: 'jobs/s',
  better: 'more',
  rows: [
    { name: 'raw Piscina', measure: (run) => piscinaRate(run, 1) },
    {
      name: PIPELINED,
      async measure(run) {
        const rates: number[] = []
        for (const atOnce of AT_ONCE) rates.push(await piscinaRate(run, atOnce))
        return Math.max(...rates)
      },
    },
    row('enqueue', { target: { atLeast: 3 } }),
    row("enqueue, durability 'process'", {}, { durability: 'process' }),
    row('enqueue, outcomes not kept', {}, { keep: { completed: { count: 0 } } }),
    {
      name: 'enqueueMany, 1000 at a time',
      against: PIPELINED,
      target: { atLeast: 4 },
      async measure(run) {
        const queue = await openQueue(run.directory)
        const rate = await rateOf(jobsOf(run), (count) =>
          pipeline(count / 1000, WIDTH / 1000, async () => {
            const jobs = await queue.enqueueMany('noop', new Array(1000).fill(0))
            await Promise.all(jobs.map((job) => job.finished()))
          }),
        )
        await queue.close()
        return rate
      },
    },
  ],
}
export default question

async function piscinaRate(run: Run, atOnce: number): Promise<number> {
  const pool = openPiscina(NOOP, THREADS, atOnce)
  const rate = await rateOf(jobsOf(run), (count) => pipeline(count, WIDTH, (index) => pool.run(index)))
  await pool.destroy()
  return rate
}

function row(
  name: string,
  rest: Omit<Row, 'name' | 'measure'>,
  options: Parameters<typeof openQueue>[1] = {},
): Row {
  return {
    name,
    against: PIPELINED,
    ...rest,
    async measure(run) {
      const queue = await openQueue(run.directory, options)
      const rate = await rateOf(jobsOf(run), (count) =>
        pipeline(count, WIDTH, async (index) => (await queue.enqueue('noop', index)).finished()),
      )
      await queue.close()
      return rate
    },
  }
}
