/**
 * `npm run bench:breakdown -- [--write] [--quick]`: where each microsecond of a job goes. A profile of the main thread while jobs
 * pass, summed up by what the code is for, and what the other threads spend meanwhile (from /proc, so on Linux only). One column is of
 * jobs that do nothing, many to a waybill, at full speed. The others are of jobs that sleep for 10 ms, one to a waybill, on 8 and on
 * 128 threads. `--write` puts the table into docs/performance.md.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Breakdown, breakDown } from './breakdown/break-down.js'
import { breakdownTable, withBreakdown } from './breakdown/breakdown-table.js'
import { circumstances, machineText } from './results.js'
import { openQueue, pipeline, warmUp } from './subject.js'

const DOCUMENT = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))
const NAP_MS = 10

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const { quick } = values
const table = breakdownTable(
  new Map([
    ['no-op, at full speed', await noops()],
    ['10 ms, 8 threads', await naps(8)],
    ['10 ms, 128 threads', await naps(128)],
  ]),
)
console.log(table)
if (values.write) {
  const measured = circumstances(1, quick)
  const text = `\`npm run bench:breakdown -- --write\` on ${machineText(measured)}; ${measured.date}:\n\n${table}`
  await writeFile(DOCUMENT, withBreakdown(await readFile(DOCUMENT, 'utf8'), text))
}

function noops(): Promise<Breakdown> {
  const jobs = quick ? 10_000 : 500_000
  return brokenDown(2, jobs, (queue, count) =>
    pipeline(count, 4000, async (index) => (await queue.enqueue('noop', index)).finished()),
  )
}

function naps(threads: number): Promise<Breakdown> {
  // Of so many seconds.
  const jobs = Math.round(((quick ? 0.2 : 10) * threads * 1000) / NAP_MS)
  return brokenDown(threads, jobs, async (queue, count) => {
    const once = async (ms: number) => (await queue.enqueue('nap', ms)).finished()
    await pipeline(count, 64 * threads, () => once(NAP_MS))
  })
}

type Queue = Awaited<ReturnType<typeof openQueue>>

async function brokenDown(
  maxWorkers: number,
  jobs: number,
  load: (queue: Queue, count: number) => Promise<void>,
): Promise<Breakdown> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const queue = await openQueue(directory, { maxWorkers })
  await warmUp({ quick }, async () => (await queue.enqueue('nap', 0)).finished())
  await load(queue, Math.ceil(jobs / 4))
  const breakdown = await breakDown(jobs, () => load(queue, jobs))
  await queue.close()
  await rm(directory, { recursive: true, force: true })
  return breakdown
}
