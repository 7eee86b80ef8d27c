/** What a job costs the thread that must stay free. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { mainThreadMs } from '../cpu.js'
import type { Measured, Question, Run } from '../question.js'
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
    {
      name: 'µs of main thread per job',
      figure: 'cpuUs',
      target: { atMost: 6 },
      measure: saturate,
      also: [{ name: 'ms event-loop delay, p99', figure: 'delayMs', target: { atMost: 10 } }],
    },
  ],
}
export default question

async function saturate(run: Run): Promise<Measured> {
  const queue = await openQueue(run.directory)
  const load = (count: number) =>
    pipeline(count, WIDTH, async (index) => (await queue.enqueue('noop', index)).finished())
  await load(jobsOf(run) / 2)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = mainThreadMs()
  await load(jobsOf(run))
  const cpuUs = ((mainThreadMs() - before) * 1000) / jobsOf(run)
  delay.disable()
  await queue.close()
  return { figures: { cpuUs, delayMs: delay.percentile(99) / 1e6 } }
}
