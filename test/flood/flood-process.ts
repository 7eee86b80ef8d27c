/**
 * The process of one flood: its memory and its event loop are nobody else's. Says on standard output what it came to.
 *
 * Arguments: the flood's name, its size, a seed, a directory.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { JobQueue } from '../../src/index.js'
import { chanceOf } from '../support/chance.js'
import type { Bed, FloodTasks } from './flood.js'
import { FLOODS } from './floods.js'
import { Tally } from './tally.js'
import type { Run } from './tasks.js'

/** What a flood came to. Memory is resident, in MB; times are in ms. */
export interface FloodReport {
  readonly problems: readonly string[]
  readonly acknowledged: number
  readonly refused: number
  readonly tookMs: number
  readonly peakMegabytes: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
}

const [, , name = '', size = '', seed = '', directory = ''] = process.argv
const module = new URL('./tasks.js', import.meta.url)
const workers = { tiny: { module, export: 'tiny' }, large: { module, export: 'large' } }
const tally = new Tally(Number(size))
const delay = monitorEventLoopDelay({ resolution: 1 })
const bed: Bed = {
  size: Number(size),
  chance: chanceOf(Number(seed)),
  tally,
  async open(options) {
    const queue = await JobQueue.open<FloodTasks>(directory, { workers, maxWorkers: 2, ...options })
    // Large outputs are decoded once, where they are looked at.
    queue.on('completed', (job) => {
      if (job.task === 'tiny') tally.complete(job.output as Run)
    })
    // No job fails; one that does would be waited for.
    queue.on('failed', ({ id, failures }) => {
      throw new Error(`job ${id} failed: ${failures.at(-1)?.message}`)
    })
    delay.enable()
    return queue
  },
}

const before = performance.now()
await FLOODS[name]?.run(bed)
delay.disable()
const tookMs = performance.now() - before
const peakMegabytes = (process.resourceUsage().maxRSS * 1024) / 1e6

const again = await JobQueue.open(directory, { workers, maxWorkers: 0 })
const { returned, failed, waiting } = again.recovered
if (returned + failed + waiting > 0) tally.problem(`left behind: ${JSON.stringify(again.recovered)}`)
await again.close()

const report: FloodReport = {
  problems: tally.problems(),
  acknowledged: tally.acknowledged,
  refused: tally.refused,
  tookMs,
  peakMegabytes,
  delayP99Ms: delay.percentile(99) / 1e6,
  delayMaxMs: delay.max / 1e6,
}
console.log(JSON.stringify(report))
