/** How punctual delayed jobs are. */
import { once } from 'node:events'
import { type Question, quantileOf, type Run } from '../question.js'
import { openQueue } from '../subject.js'

const OVER_MS = 10_000
const jobsOf = ({ quick }: Run) => (quick ? 1000 : 100_000)

const question: Question = {
  title: '100,000 delayed jobs that fall due over 10 s',
  how: `From each job's due time to the first line of its function, durable to disk.`,
  unit: 'ms late',
  digits: 1,
  rows: [
    { name: 'median', measure: async (run) => quantileOf(await lateness(run), 0.5) },
    { name: 'p99', target: { atMost: 20 }, measure: async (run) => quantileOf(await lateness(run), 0.99) },
  ],
}
export default question

async function lateness(run: Run): Promise<number[]> {
  const jobs = jobsOf(run)
  const queue = await openQueue(run.directory)
  const firstAt = Date.now() + (run.quick ? 500 : 5000)
  const overMs = run.quick ? 500 : OVER_MS
  const late: number[] = []
  queue.on('completed', ({ output, runAt }) => late.push((output as number) - (runAt?.getTime() ?? 0)))
  const inputs = new Array<number>(jobs).fill(0)
  await queue.enqueueMany('clock', inputs, (_input, index) => ({ runAt: firstAt + (index * overMs) / jobs }))
  if (Date.now() >= firstAt)
    throw new Error('enqueueing took longer than the lead: the figures would be wrong')
  await once(queue, 'idle')
  await queue.close()
  return late
}
