/** Floods of small jobs: too many at once for the backlog, a great backlog, all due at once, keys enqueued twice. */
import type { OnFull } from '../../src/queue/adding/backlog-limit.js'
import { type Bed, type Flood, type FloodQueue, turn } from './flood.js'
import type { Run } from './tasks.js'

const MAX_BACKLOG = 10_000
/** Jobs that have not started go back when their waybill takes long: as many as two threads may have had, beyond the bound. */
const MOST_RETURNED = 2 * 1000
/** How many calls are made in one turn of the event loop; none is awaited before the next. */
const CALLS_IN_A_TURN = 1000
/** What the process takes with its threads, LevelDB's buffers, a full window, and garbage that has yet to be collected. */
const FEW_JOBS_MB = 500
/** What a caller that waits for room costs: promises of its own and the queue's, and its input. */
const WAITING_CALLER_MB = 0.003

/** All are enqueued as fast as the calls can be made, far faster than they run. */
function flooding(onFull: OnFull): Flood {
  return {
    size: { long: 1_000_000, short: 12_000 },
    mostMegabytes: (size) => FEW_JOBS_MB + (onFull === 'wait' ? WAITING_CALLER_MB * size : 0),
    async run({ size, chance, tally, open }) {
      const queue = await open({ maxBacklog: MAX_BACKLOG, onFull })
      let most = 0
      queue.on('updated', ({ waiting, delayed }) => {
        most = Math.max(most, waiting + delayed)
      })
      const answered = answers(size)
      for (let n = 0; n < size; n++) {
        queue.enqueue('tiny', n, { priority: chance.below(3) }).then(
          () => {
            tally.acknowledge(n)
            answered.one()
          },
          ({ code }: { code: string }) => {
            if (onFull === 'reject' && code === 'MILLRACE_BACKLOG_FULL') tally.refuse(n)
            else tally.problem(`job ${n}: ${code}`)
            answered.one()
          },
        )
        if (n % CALLS_IN_A_TURN === CALLS_IN_A_TURN - 1) await turn()
      }
      await answered.all
      await queue.idle()
      if (most > MAX_BACKLOG + MOST_RETURNED) tally.problem(`${most} jobs waited`)
      if (onFull === 'reject' && tally.refused === 0) tally.problem('nothing was refused: it was no flood')
      await queue.close()
    },
  }
}

export const wait = flooding('wait')
export const reject = flooding('reject')

/** All wait in the backlog before the first of them runs. */
export const backlog: Flood = {
  size: { long: 1_000_000, short: 12_000 },
  mostMegabytes: () => FEW_JOBS_MB,
  async run(bed) {
    const queue = await bed.open({ maxWorkers: 0 })
    await fill(queue, bed)
    const { waiting } = queue.counts()
    if (waiting !== bed.size) bed.tally.problem(`${waiting} jobs wait, not ${bed.size}`)
    queue.setMaxWorkers(2)
    await queue.idle()
    await queue.close()
  },
}

/** All fall due in the same millisecond. */
export const due: Flood = {
  size: { long: 100_000, short: 5000 },
  mostMegabytes: () => FEW_JOBS_MB,
  async run(bed) {
    const { size, tally, open } = bed
    const queue = await open({ idleTimeout: 60_000 })
    // A thread is there when they fall due: one that has to start would hide that jobs come too early.
    await (await queue.enqueue('tiny', 0)).finished()
    tally.acknowledge(0)
    // Time enough to enqueue them all before.
    const runAt = Date.now() + 500 + size / 10
    queue.on('completed', ({ output }) => {
      const [n, , , at] = output as Run
      if (at < runAt) tally.problem(`job ${n} ran ${runAt - at} ms before it was due`)
    })
    await fill(queue, bed, { from: 1, runAt })
    const { delayed } = queue.counts()
    if (delayed !== size - 1 && Date.now() < runAt) tally.problem(`${delayed} jobs are delayed, not all`)
    await queue.idle()
    await queue.close()
  },
}

/** Each job is enqueued twice, under the same key, all in one turn of the event loop. */
export const keys: Flood = {
  size: { long: 50_000, short: 2000 },
  mostMegabytes: (size) => FEW_JOBS_MB + 2 * (WAITING_CALLER_MB + 0.001) * size,
  async run({ size, tally, open }) {
    const queue = await open()
    const answered = answers(size)
    for (let n = 0; n < size; n++) {
      const twice = [1, 2].map(() => queue.enqueue('tiny', n, { key: `job ${n}` }))
      Promise.all(twice).then(
        ([first, second]) => {
          tally.acknowledge(n)
          if (first?.id !== second?.id) tally.problem(`job ${n} is two: ${first?.id}, ${second?.id}`)
          answered.one()
        },
        ({ code }: { code: string }) => {
          tally.problem(`job ${n}: ${code}`)
          answered.one()
        },
      )
    }
    await answered.all
    await queue.idle()
    await queue.close()
  },
}

async function fill(
  queue: FloodQueue,
  { size, chance, tally }: Bed,
  { from = 0, runAt }: { from?: number; runAt?: number } = {},
): Promise<void> {
  for (let first = from; first < size; first += CALLS_IN_A_TURN) {
    const count = Math.min(CALLS_IN_A_TURN, size - first)
    const numbers = Array.from({ length: count }, (_, index) => first + index)
    const options = () => ({ priority: chance.below(3), ...(runAt !== undefined && { runAt }) })
    await queue.enqueueMany('tiny', numbers, options)
    for (const n of numbers) tally.acknowledge(n)
  }
}

/** Waits for so many answers, without keeping a promise for each. */
function answers(count: number): { one(): void; all: Promise<void> } {
  let missing = count
  let done = () => {}
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  return {
    one() {
      if (--missing === 0) done()
    },
    all,
  }
}
