/** plainjob on SQLite: one worker in this process, or as many worker processes as others have threads. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { THREADS } from '../subject.js'
import { load, type OpenPeer, Outcomes, type Payload, perform, type Work } from './peer.js'
import { type Connection, openSqlite } from './sqlite.js'

const SCRIPT = new URL('./plainjob-worker.js', import.meta.url)
const TYPE = 'bench'
const LOGGER = { error: console.error, warn: console.warn, info() {}, debug() {} }
/** How long a worker sleeps when it finds no job. */
const POLL_MS = 1

interface Queue {
  add(type: string, data: Payload): unknown
  addMany(type: string, data: Payload[]): unknown
  close(): void
}

interface Worker {
  start(): Promise<void>
  stop(): Promise<void>
}

interface Plainjob {
  better(connection: Connection): unknown
  defineQueue(options: { connection: unknown; logger: unknown }): Queue
  defineWorker(
    type: string,
    processor: (job: { data: string }) => void,
    options: {
      queue: Queue
      logger: unknown
      pollIntervall: number
      onCompleted(job: { data: string }): void
    },
  ): Worker
}

export function plainjob(where: 'in process' | 'processes'): OpenPeer {
  return async (work, directory) => {
    const file = join(directory, 'plainjob.db')
    const outcomes = new Outcomes()
    const report = (id: number) => outcomes.report(id)
    const queue = await openPlainjob(file)
    const stop =
      where === 'processes' ? await forkWorkers(work, file, report) : await startWorker(queue, work, report)
    return {
      run(input) {
        const { id, reported } = outcomes.expect()
        queue.add(TYPE, { id, input })
        return reported
      },
      async runMany(inputs) {
        const jobs = inputs.map((input) => ({ input, ...outcomes.expect() }))
        queue.addMany(
          TYPE,
          jobs.map(({ id, input }) => ({ id, input })),
        )
        await Promise.all(jobs.map(({ reported }) => reported))
      },
      async close() {
        await stop()
        queue.close()
      },
    }
  }
}

/** It sets the database up itself: WAL, `synchronous` NORMAL. */
export async function openPlainjob(file: string): Promise<Queue> {
  const connection = await openSqlite(file)
  const { better, defineQueue } = await load<Plainjob>('plainjob')
  return defineQueue({ connection: better(connection), logger: LOGGER })
}

/** A worker in the process that calls this. */
export async function startWorker(
  queue: Queue,
  work: Work,
  report: (id: number) => void,
): Promise<() => Promise<void>> {
  const { defineWorker } = await load<Plainjob>('plainjob')
  const payloadOf = ({ data }: { data: string }) => JSON.parse(data) as Payload
  const worker = defineWorker(
    TYPE,
    (job) => {
      perform(work, payloadOf(job).input)
    },
    { queue, logger: LOGGER, pollIntervall: POLL_MS, onCompleted: (job) => report(payloadOf(job).id) },
  )
  const ended = worker.start()
  return async () => {
    await worker.stop()
    await ended
  }
}

/** Worker processes tell of what they have completed, for plainjob has no way to. */
async function forkWorkers(work: Work, file: string, report: (id: number) => void) {
  const processes = Array.from({ length: THREADS }, () => fork(SCRIPT, [work, file], { execArgv: [] }))
  for (const each of processes) each.on('message', (id) => report(id as number))
  return async () => {
    const ended = processes.map((each) => once(each, 'exit'))
    for (const each of processes) each.disconnect()
    await Promise.all(ended)
  }
}
