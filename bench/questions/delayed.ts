/** How punctual delayed jobs are. */
import type { Question, Run } from '../question.js'
import { openQueue } from '../subject.js'

const OVER_MS = 10_000
const WARM_UP = 20_000
const jobsOf = ({ quick }: Run) => (quick ? 1000 : 100_000)

const question: Question = {
  title: '100,000 delayed jobs that fall due over 10 s',
  how: `From each job's due time to the first line of its function, durable to disk. Before them 20,000
others fall due over 2 s; idle threads are kept (\`idleTimeout\`), for to start one takes longer than what is measured.`,
  unit: 'ms late',
  digits: 1,
  better: 'less',
  rows: [
    {
      name: 'median',
      measure: lateness,
      also: [{ name: 'p99', quantile: 0.99, target: { atMost: 20 } }],
    },
  ],
}
export default question

async function lateness(run: Run): Promise<number[]> {
  const jobs = jobsOf(run)
  const queue = await openQueue(run.directory, { idleTimeout: 60_000 })
  await queue.enqueueMany('clock', new Array<number>(run.quick ? 100 : WARM_UP).fill(0), (_input, index) => ({
    delay: 500 + index / 10,
  }))
  await queue.idle()
  const firstAt = Date.now() + (run.quick ? 500 : 5000)
  const overMs = run.quick ? 500 : OVER_MS
  const late: number[] = []
  queue.on('completed', ({ output, runAt }) => late.push((output as number) - (runAt?.getTime() ?? 0)))
  const inputs = new Array<number>(jobs).fill(0)
  await queue.enqueueMany('clock', inputs, (_input, index) => ({ runAt: firstAt + (index * overMs) / jobs }))
  if (Date.now() >= firstAt)
    throw new Error('enqueueing took longer than the lead: the figures would be wrong')
  await queue.idle()
  await queue.close()
  return late
}
