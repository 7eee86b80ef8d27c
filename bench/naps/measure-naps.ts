/** Keeps a number of naps unfinished on many threads, and measures that. */
import type { Run } from '../question.js'
import { warmUp } from '../subject.js'
import { type NapFigures, NapMeter } from './nap-meter.js'
import type { OpenNappers } from './nappers.js'

export interface NapLoad {
  /** How long a nap is. */
  readonly ms: number
  readonly threads: number
  /** How many naps are unfinished at any moment, a thread. */
  readonly each: number
}

const TIMES = { startMs: 30_000, warmUpMs: 1000, measuredMs: 3000 }
const QUICK_TIMES = { startMs: 2000, warmUpMs: 50, measuredMs: 200 }

export async function measureNaps(
  open: OpenNappers,
  { ms, threads, each }: NapLoad,
  run: Run,
): Promise<NapFigures> {
  const nappers = await open(threads, run.directory)
  let warmedUp = 0
  await warmUp(run, () => nappers.nap(0, warmedUp++))
  const meter = new NapMeter(threads, ms, run.quick ? QUICK_TIMES : TIMES)
  const line = async (index: number) => {
    while (!meter.isOver) meter.note(await nappers.nap(ms, index))
  }
  const lines = Array.from({ length: threads * each }, (_, index) => line(index))
  const failed = Promise.all(lines).then(() => meter.figures)
  const figures = await Promise.race([meter.figures, failed])
  // What is unfinished then fails.
  failed.catch(() => {})
  await nappers.close()
  return figures
}
