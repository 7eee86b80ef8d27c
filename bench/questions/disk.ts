/** What is written to disk for a small job. */
import { readFileSync } from 'node:fs'
import { encode } from '../../src/codec/codec.js'
import type { Question, Run } from '../question.js'
import { openQueue, pipeline } from '../subject.js'

const WIDTH = 4000
const jobsOf = ({ quick }: Run) => (quick ? 10_000 : 200_000)
const INPUT = { file: 'images/2026/11/a-photograph-of-a-mill.jpg', width: 200 }
const ENCODED = encode(INPUT, 'input').byteLength
const TARGET = { atMost: 3 * ENCODED + 60 }

const question: Question = {
  title: 'Bytes written per job over its life',
  how: `Jobs with an input of ${ENCODED} encoded bytes, from \`enqueue\` to their deletion or retention, LevelDB's log, tables and
compactions included: what the process wrote (/proc/self/io, so on Linux only).`,
  unit: 'bytes',
  better: 'less',
  rows: [
    {
      name: 'outcomes kept (10,000)',
      target: TARGET,
      isSteady: true,
      measure: (run) => written(run, 10_000),
    },
    { name: 'outcomes not kept', target: TARGET, isSteady: true, measure: (run) => written(run, 0) },
  ],
}
export default question

async function written(run: Run, count: number): Promise<number> {
  const queue = await openQueue(run.directory, { keep: { completed: { count } } })
  const before = writtenBytes()
  await pipeline(jobsOf(run), WIDTH, async () => (await queue.enqueue('noop', INPUT)).finished())
  await queue.close()
  return (writtenBytes() - before) / jobsOf(run)
}

function writtenBytes(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}
