/**
 * `npm run bench:breakdown`: where each microsecond of a job that does nothing goes. A profile of the main thread while jobs pass at
 * full speed, summed up by what the code is for, and what the other threads spend meanwhile (from /proc, so on Linux only).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type Profiler, Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQueue, pipeline } from './subject.js'

const WIDTH = 4000
const JOBS = 500_000

/** The first that matches a frame's file or function says what it is for. */
const AREAS: readonly (readonly [area: string, pattern: RegExp])[] = [
  ['waiting', /^\(idle\)/],
  ['garbage collection', /^\(garbage collector\)/],
  ['native code without a name (promises, fsync’s return, …)', /^\((program|root)\)/],
  ['the bench itself', /dist\/bench\//],
  ['encoding and decoding values', /codec|cbor-x|node:buffer|node:internal\/buffer/],
  ['handles, promises, events', /dist\/src\/(queue|intake|handle|waiters|events|backlog-gate|job)\.js/],
  ['scheduling', /dist\/src\/(scheduler|lane|outcome|tasks|backoff)\.js/],
  ['waybills', /dist\/src\/pool\//],
  ['Piscina, messages to threads', /piscina|postMessage|worker\/io|messageport|worker_threads/],
  ['LevelDB’s interface', /classic-level|abstract-level|level-transcoder/],
  ['records, chunks, windows, counts', /dist\/src\/store\//],
]

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const queue = await openQueue(directory)
const load = (count: number) =>
  pipeline(count, WIDTH, async (index) => (await queue.enqueue('noop', index)).finished())
await load(JOBS / 4)

const before = threadsMs()
const startedAt = performance.now()
await load(JOBS)
const wallUs = ((performance.now() - startedAt) * 1000) / JOBS
const threads = threadsMs()

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: 250 })
await session.post('Profiler.start')
await load(JOBS)
const { profile } = await session.post('Profiler.stop')
session.disconnect()
await queue.close()
await rm(directory, { recursive: true, force: true })

const spent = (name: string, [id, ms]: [string, number]): [string, number] => [
  name,
  ((ms - (before.get(id)?.ms ?? 0)) * 1000) / JOBS,
]
const main = spent('main thread', [String(process.pid), threads.get(String(process.pid))?.ms ?? 0])
const others = new Map<string, number>()
for (const [id, { name, ms }] of threads) {
  if (id === String(process.pid)) continue
  const [, us] = spent(name, [id, ms])
  others.set(name, (others.get(name) ?? 0) + us)
}
const rate = Math.round(1e6 / wallUs).toLocaleString('en-US')
console.log(`${rate} jobs/s: ${wallUs.toFixed(2)} µs from one job to the next\n`)
print('CPU of each thread', [main, ...others])
print('main thread, by what it does', byArea(profile, main[1]))

/** Each thread's CPU time in ms, by its id. */
function threadsMs(): Map<string, { name: string; ms: number }> {
  if (process.platform !== 'linux') return new Map()
  return new Map(
    readdirSync('/proc/self/task').map((id) => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return [id, { name: `threads named ${name}`, ms: (Number(fields[11]) + Number(fields[12])) * 10 }]
    }),
  )
}

/** The main thread's time per job, shared out by a profile. What it waits is left out. */
function byArea({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, us: number): [string, number][] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName} ${callFrame.url}`]))
  const times = new Map<string, number>()
  samples.forEach((id, index) => {
    const area = AREAS.find(([, pattern]) => pattern.test(frames.get(id) ?? ''))?.[0] ?? 'the rest of Node.js'
    times.set(area, (times.get(area) ?? 0) + (timeDeltas[index] ?? 0))
  })
  times.delete('waiting')
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times].map(([area, time]) => [area, (time / total) * us])
}

function print(title: string, rows: readonly (readonly [string, number])[]): void {
  console.log(`| ${title} | µs per job |\n| --- | ---: |`)
  for (const [name, us] of [...rows].sort((a, b) => b[1] - a[1]))
    if (us >= 0.005) console.log(`| ${name} | ${us.toFixed(2)} |`)
  console.log()
}
