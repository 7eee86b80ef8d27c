/** graphile-worker on PostgreSQL, with the settings of its page on performance: jobs run in this process. */
import { EventEmitter } from 'node:events'
import { load, type OpenPeer, Outcomes, type Payload, perform } from './peer.js'
import { DATABASE, startPostgres, USER } from './postgres.js'
import { HOST } from './server.js'

const TASK = 'bench'

interface Utils {
  addJob(task: string, payload: Payload): Promise<unknown>
  addJobs(jobs: { identifier: string; payload: Payload }[]): Promise<unknown>
  release(): Promise<void>
}

interface Runner {
  stop(): Promise<void>
  readonly promise: Promise<void>
}

interface PostgresClient {
  Pool: new (options: { connectionString: string; max: number }) => Pool
}

interface Client {
  on(event: 'error', listener: (error: Error) => void): void
}

interface Pool extends Client {
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'connect', listener: (client: Client) => void): void
  end(): Promise<void>
}

interface GraphileWorker {
  Logger: new (factory: () => (level: string, message: string) => void) => unknown
  makeWorkerUtils(options: { pgPool: Pool; logger: unknown }): Promise<Utils>
  run(options: {
    taskList: Record<string, (payload: Payload) => unknown>
    events: EventEmitter
    logger: unknown
    noHandleSignals: boolean
    pgPool: Pool
    preset: {
      worker: {
        concurrentJobs: number
        localQueue: { size: number }
        completeJobBatchDelay: number
        failJobBatchDelay: number
      }
    }
  }): Promise<Runner>
}

export const graphileWorker: OpenPeer = async (work, directory) => {
  const { run, makeWorkerUtils, Logger } = await load<GraphileWorker>('graphile-worker')
  const pg = await load<{ default: PostgresClient }>('pg')
  const { port, password, stop } = await startPostgres(directory)
  const outcomes = new Outcomes()
  const events = new EventEmitter()
  events.on('job:complete', ({ job }: { job: { payload: Payload } }) => outcomes.report(job.payload.id))
  const connectionString = `postgres://${USER}:${password}@${HOST}:${port}/${DATABASE}`
  let isClosing = false
  const logger = new Logger(() => (level, message) => {
    if (level === 'error' && !isClosing) throw new Error(message)
  })
  const pgPool = new pg.default.Pool({ connectionString, max: 25 })
  // Once its server is stopped, it tells of connections that it has closed already.
  const failed = (error: Error) => {
    if (!isClosing) throw error
  }
  pgPool.on('error', failed)
  pgPool.on('connect', (client) => client.on('error', failed))
  const utils = await makeWorkerUtils({ pgPool, logger })
  const runner = await run({
    taskList: {
      [TASK]: ({ input }) => {
        perform(work, input)
      },
    },
    events,
    logger,
    noHandleSignals: true,
    pgPool,
    preset: {
      worker: {
        concurrentJobs: 24,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  })
  return {
    async run(input) {
      const { id, reported } = outcomes.expect()
      await utils.addJob(TASK, { id, input })
      await reported
    },
    async runMany(inputs) {
      const jobs = inputs.map((input) => ({ input, ...outcomes.expect() }))
      await utils.addJobs(jobs.map(({ id, input }) => ({ identifier: TASK, payload: { id, input } })))
      await Promise.all(jobs.map(({ reported }) => reported))
    },
    async close() {
      isClosing = true
      await utils.release()
      await runner.stop()
      await runner.promise
      await pgPool.end()
      await stop()
    },
  }
}
