/** What a job costs under some load: the CPU of each kind of thread, and what the main thread spends its own on. */
import { type Profiler, Session } from 'node:inspector/promises'
import { type ThreadTime, threadTimes } from '../cpu.js'
import { areaOf, REST, WAITING } from './areas.js'

/** All in µs per job. */
export interface Breakdown {
  /** From one job to the next. */
  readonly wall: number
  readonly mainThread: number
  readonly otherThreads: number
  /** The main thread's time, by what it is for. */
  readonly areas: ReadonlyMap<string, number>
}

/** Runs a load twice: once to see what threads use, and once to see what the main thread does. */
export async function breakDown(jobs: number, load: () => Promise<void>): Promise<Breakdown> {
  const before = threadTimes()
  const startedAt = performance.now()
  await load()
  const wallMs = performance.now() - startedAt
  const { mainMs, otherMs } = spentBetween(before, threadTimes(), String(process.pid))
  const usOf = (ms: number) => (ms * 1000) / jobs
  const shares = sharesOf(await profileOf(load))
  return {
    wall: usOf(wallMs),
    mainThread: usOf(mainMs),
    otherThreads: usOf(otherMs),
    areas: new Map([...shares].map(([area, share]) => [area, share * usOf(mainMs)])),
  }
}

type Times = ReadonlyMap<string, ThreadTime>

/** What the main thread and all others have used. A thread that has started meanwhile counts whole. */
export function spentBetween(before: Times, after: Times, main: string): { mainMs: number; otherMs: number } {
  let mainMs = 0
  let otherMs = 0
  for (const [id, { ms }] of after) {
    const spent = ms - (before.get(id)?.ms ?? 0)
    if (id === main) mainMs += spent
    else otherMs += spent
  }
  return { mainMs, otherMs }
}

/** The share of each area in the time that a profiled thread did not wait. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const areas = areasOf(nodes)
  const times = new Map<string, number>()
  let total = 0
  samples.forEach((id, index) => {
    const area = areas.get(id) ?? WAITING
    if (area === WAITING) return
    const time = timeDeltas[index] ?? 0
    times.set(area, (times.get(area) ?? 0) + time)
    total += time
  })
  return new Map([...times].map(([area, time]) => [area, time / total]))
}

/** The area of each node. Native code that has none of its own, such as LevelDB's, has that of what called it. */
function areasOf(nodes: Profiler.ProfileNode[]): Map<number, string> {
  const areas = new Map<number, string>()
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  // A caller stands before what it calls.
  for (const { id, callFrame } of nodes) {
    const { functionName, url } = callFrame
    const own = areaOf(functionName, url)
    const caller = areas.get(callers.get(id) ?? Number.NaN)
    areas.set(id, own === REST && url === '' && caller !== undefined ? caller : own)
  }
  return areas
}

async function profileOf(load: () => Promise<void>): Promise<Profiler.Profile> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 250 })
  await session.post('Profiler.start')
  await load()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return profile
}
