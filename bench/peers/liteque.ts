/** liteque on SQLite: jobs run in this process. */
import { join } from 'node:path'
import { load, type OpenPeer, Outcomes, type Payload, perform } from './peer.js'
import { openSqlite } from './sqlite.js'

interface Job {
  data: Payload
}

interface Queue {
  enqueue(data: Payload): Promise<unknown>
}

interface Liteque {
  buildDBClient(file: string, options: { runMigrations: boolean; walEnabled: boolean }): unknown
  SqliteQueue: new (
    name: string,
    database: unknown,
    options: { defaultJobArgs: { numRetries: number }; keepFailedJobs: boolean },
  ) => Queue
  Runner: new (
    queue: Queue,
    functions: { run(job: Job): Promise<unknown>; onComplete(job: Job): Promise<void> },
    options: { pollIntervalMs: number; timeoutSecs: number; concurrency: number },
  ) => { run(): Promise<void>; stop(): void }
}

export const liteque: OpenPeer = async (work, directory) => {
  const { buildDBClient, SqliteQueue, Runner } = await load<Liteque>('liteque')
  // Says what is missing, if so.
  ;(await openSqlite(':memory:')).close()
  const database = buildDBClient(join(directory, 'liteque.db'), { runMigrations: true, walEnabled: true })
  const queue = new SqliteQueue('bench', database, {
    defaultJobArgs: { numRetries: 0 },
    keepFailedJobs: false,
  })
  const outcomes = new Outcomes()
  const runner = new Runner(
    queue,
    {
      run: async ({ data }) => perform(work, data.input),
      onComplete: async ({ data }) => outcomes.report(data.id),
    },
    { pollIntervalMs: 1, timeoutSecs: 60, concurrency: 1 },
  )
  const ended = runner.run()
  return {
    async run(input) {
      const { id, reported } = outcomes.expect()
      await queue.enqueue({ id, input })
      await reported
    },
    async close() {
      runner.stop()
      await ended
    },
  }
}
