/** How many jobs that do nothing pass through in a second. */
import type { Question, Row, Run } from '../question.js'
import { NOOP, openPiscina, openQueue, pipeline, rateOf } from '../subject.js'

/** So many jobs are unfinished at any moment, on each side. */
const WIDTH = 4000
const jobsOf = ({ quick }: Run) => (quick ? 5000 : 300_000)

const question: Question = {
  title: 'No-op jobs per second, end to end',
  how: `From the call to the reported outcome, ${WIDTH} unfinished at any moment. Millrace: each \`enqueue\` is fsynced before it
resolves (group commit), each outcome is stored before it is reported, the last 10,000 are kept. Raw Piscina: nothing is stored.`,
  unit: 'jobs/s',
  better: 'more',
  rows: [
    {
      name: 'raw Piscina',
      async measure(run) {
        const pool = openPiscina(NOOP)
        const rate = await rateOf(jobsOf(run), (count) => pipeline(count, WIDTH, (index) => pool.run(index)))
        await pool.destroy()
        return rate
      },
    },
    row('enqueue', { against: 'raw Piscina', target: { atLeast: 6 } }),
    row("enqueue, durability 'process'", { against: 'raw Piscina' }, { durability: 'process' }),
    row('enqueue, outcomes not kept', { against: 'raw Piscina' }, { keep: { completed: { count: 0 } } }),
    {
      name: 'enqueueMany, 1000 at a time',
      against: 'raw Piscina',
      target: { atLeast: 8 },
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

function row(
  name: string,
  rest: Omit<Row, 'name' | 'measure'>,
  options: Parameters<typeof openQueue>[1] = {},
): Row {
  return {
    name,
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
