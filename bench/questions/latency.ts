/** How long one job alone waits for its acknowledgement, and for its thread. */

import type { Question, Run } from '../question.js'
import { levelKey, openLevel, openQueue } from '../subject.js'
import { now } from '../workers/clock.js'

const timesOf = ({ quick }: Run) => (quick ? 50 : 2000)

const question: Question = {
  title: 'One job on an idle queue',
  how: `Medians of 2000 calls, each awaited before the next, 4000 before them. Acknowledged: until \`enqueue\` resolves, next to a bare LevelDB put
of as many bytes, synced or not. Started: from the acknowledgement to the first line of the job's function (below 0: before).`,
  unit: 'µs',
  better: 'less',
  rows: [
    { name: 'LevelDB put, synced', measure: (run) => bare(run, true) },
    {
      name: 'acknowledged',
      against: 'LevelDB put, synced',
      target: { atMost: 1.3 },
      measure: (run) => acknowledged(run, 'disk'),
    },
    { name: 'LevelDB put', measure: (run) => bare(run, false) },
    {
      name: "acknowledged, durability 'process'",
      against: 'LevelDB put',
      target: { atMost: 2 },
      measure: (run) => acknowledged(run, 'process'),
    },
    { name: 'started, after that', target: { atMost: 1000 }, measure: started },
  ],
}
export default question

/** How long each call took, in µs; or what it says itself, in ms. Twice as many go before, to warm up. */
async function samples(
  times: number,
  once: (index: number) => Promise<number | undefined>,
): Promise<number[]> {
  const took: number[] = []
  for (let index = 0; index < 3 * times; index++) {
    const before = now()
    const ms = (await once(index)) ?? now() - before
    if (index >= 2 * times) took.push(ms * 1000)
  }
  return took
}

async function bare(run: Run, sync: boolean): Promise<number[]> {
  const db = await openLevel(run.directory)
  const took = await samples(timesOf(run), async (index) => {
    await db.put(levelKey(index), Buffer.alloc(12), { sync })
    return undefined
  })
  await db.close()
  return took
}

async function acknowledged(run: Run, durability: 'disk' | 'process'): Promise<number[]> {
  const queue = await openQueue(run.directory, { maxWorkers: 0, durability })
  const took = await samples(timesOf(run), async (index) => {
    await queue.enqueue('noop', index)
    return undefined
  })
  await queue.close()
  return took
}

async function started(run: Run): Promise<number[]> {
  const queue = await openQueue(run.directory)
  const took = await samples(timesOf(run), async () => {
    const job = await queue.enqueue('clock', 0)
    const acknowledgedAt = now()
    return (await job.finished()) - acknowledgedAt
  })
  await queue.close()
  return took
}
