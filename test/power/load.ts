/**
 * The process that is recorded: adds jobs of all kinds, has some of them run, closes, opens again and goes on, and ends
 * without closing. It says each job that was acknowledged (`added`), each outcome that was reported (`finished`), and each
 * checkpoint that was acknowledged (`saved`).
 *
 * Arguments: the directory's parent, the durability, a seed, how many rounds, how large a large input is.
 */
import { pathToFileURL } from 'node:url'
import { JobQueue, type QueueOptions } from '../../src/index.js'
import { chanceOf } from '../support/chance.js'
import { say } from './recording.js'

export interface LoadInput {
  readonly id: number
  readonly bytes: Uint8Array
}

const ALL = { count: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY }
const FIXTURE = new URL('../fixtures/worker.js', import.meta.url)
const NOTING = new URL('../fixtures/noting-worker.js', import.meta.url)

/** How the recorded queue, and those that look at what is left of it, are opened. */
export const OPTIONS: QueueOptions = {
  workers: {
    where: { module: FIXTURE, export: 'where' },
    throwValue: { module: FIXTURE, export: 'throwValue' },
    throwUnrecoverable: { module: FIXTURE, export: 'throwUnrecoverable' },
    saveSteps: { module: NOTING, export: 'saveSteps' },
  },
  keep: { completed: ALL, failed: ALL, cancelled: ALL },
  backoff: 1,
}

/** What a job's input should be. */
export function inputOf(id: number, size: number): LoadInput {
  return { id, bytes: new Uint8Array(size).fill(id) }
}

async function load(
  parent: string,
  durability: 'disk' | 'process',
  seed: number,
  rounds: number,
  large: number,
) {
  const chance = chanceOf(seed)
  let id = 0
  for (let generation = 0; generation < 2; generation++) {
    const queue = await JobQueue.open(`${parent}/made/queue`, { ...OPTIONS, durability, maxWorkers: 2 })
    queue.on('finished', (job) => say(`finished ${job.id} ${job.state}`))
    queue.on('log', (job, step) => say(`saved ${job.id} ${step}`))
    const finished: Promise<unknown>[] = []
    for (let round = 0; round < rounds; round++) {
      // Many small ones of one priority share an entry on disk.
      const isCrowd = chance.below(3) === 0
      const size = !isCrowd && chance.below(3) === 0 ? large : chance.below(200)
      const count = isCrowd ? 4 + chance.below(20) : 1 + chance.below(4)
      const inputs = Array.from({ length: count }, () => inputOf(id++, size))
      const chosen = (['where', 'where', 'saveSteps', 'throwValue', 'throwUnrecoverable'] as const)[
        chance.below(5)
      ]
      // What throws a large value spends its time on describing it.
      const task = size < 10_000 && chosen ? chosen : 'where'
      const jobs = await queue.enqueueMany(task, inputs, (_input, index) => ({
        priority: isCrowd ? 0 : chance.below(3) - 1,
        attempts: 2,
        ...(!isCrowd && chance.below(4) === 0 && { key: `key ${inputs[index]?.id}` }),
        ...(chance.below(isCrowd ? 16 : 4) === 0 && { delay: chance.below(2) === 0 ? 2 : 3_600_000 }),
      }))
      for (const [index, job] of jobs.entries()) say(`added ${job.id} ${inputs[index]?.id} ${size}`)
      if (chance.below(2) === 0)
        finished.push(
          ...jobs.filter(({ state }) => state !== 'delayed').map((job) => job.finished().catch(() => {})),
        )
      if (chance.below(6) === 0 && jobs[0]) await queue.cancel(jobs[0].id)
      // Now and then the backlog runs empty: the counts reach zero.
      if (chance.below(4) === 0) await Promise.all(finished.splice(0))
    }
    await Promise.all(finished)
    if (generation === 0) await queue.close()
  }
  process.exit()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [parent = '', durability = 'disk', seed, rounds, large] = process.argv.slice(2)
  await load(parent, durability as 'disk' | 'process', Number(seed), Number(rounds), Number(large))
}
