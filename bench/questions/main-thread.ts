/** What a job costs the thread that must stay free. */
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Question, Run } from '../question.js'
import { openQueue, pipeline } from '../subject.js'

const WIDTH = 4000
const jobsOf = ({ quick }: Run) => (quick ? 10_000 : 200_000)

const question: Question = {
  title: 'What no-op jobs cost the main thread',
  how: `While jobs that do nothing pass at full speed, ${WIDTH} unfinished at any moment, durable to disk: the CPU time of the main
thread per job (from /proc; elsewhere its event loop's active time), and how late the event loop gets round.`,
  unit: 'µs, ms',
  digits: 1,
  better: 'less',
  rows: [
    { name: 'µs of main thread per job', target: { atMost: 6 }, measure: (run) => saturate(run, 'cpu') },
    { name: 'ms event-loop delay, p99', target: { atMost: 10 }, measure: (run) => saturate(run, 'delay') },
  ],
}
export default question

async function saturate(run: Run, figure: 'cpu' | 'delay'): Promise<number> {
  const queue = await openQueue(run.directory)
  const load = (count: number) =>
    pipeline(count, WIDTH, async (index) => (await queue.enqueue('noop', index)).finished())
  await load(jobsOf(run) / 2)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = mainThreadMs()
  await load(jobsOf(run))
  const ms = mainThreadMs() - before
  delay.disable()
  await queue.close()
  return figure === 'cpu' ? (ms * 1000) / jobsOf(run) : delay.percentile(99) / 1e6
}

function mainThreadMs(): number {
  if (process.platform !== 'linux') return performance.eventLoopUtilization().active
  // The fields after the name in parentheses begin with the third; user and system time are the 14th and 15th, in ticks.
  const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
