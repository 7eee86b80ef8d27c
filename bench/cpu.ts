/** The CPU time that threads have used, from /proc: on Linux only. */
import { readdirSync, readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

export interface ThreadTime {
  readonly name: string
  readonly ms: number
}

/** The CPU time of the main thread in ms; elsewhere than on Linux the time that its event loop was active. */
export function mainThreadMs(): number {
  if (process.platform !== 'linux') return performance.eventLoopUtilization().active
  return cpuMs(String(process.pid))
}

/** Each thread's CPU time, by its id. The main thread's id is the process's. */
export function threadTimes(): Map<string, ThreadTime> {
  if (process.platform !== 'linux') return new Map()
  return new Map(readdirSync(TASKS).flatMap((id) => timeOf(id)))
}

const TASKS = '/proc/self/task'

/** Nothing of a thread that has just ended. */
function timeOf(id: string): [id: string, time: ThreadTime][] {
  try {
    return [[id, { name: readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim(), ms: cpuMs(id) }]]
  } catch {
    return []
  }
}

/** The first number is in nanoseconds. The ticks of `stat` would be too coarse for what a thread does in some seconds. */
function cpuMs(id: string): number {
  return Number(readFileSync(`${TASKS}/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}
