/** pg-boss on PostgreSQL: jobs are fetched and completed many at a time, and run in this process. */
import { load, type OpenPeer, Outcomes, type Payload, perform } from './peer.js'
import { DATABASE, startPostgres, USER } from './postgres.js'
import { HOST } from './server.js'

const QUEUE = 'bench'
const BATCH = 500

interface Boss {
  start(): Promise<unknown>
  createQueue(name: string): Promise<unknown>
  send(name: string, data: Payload): Promise<unknown>
  insert(jobs: { name: string; data: Payload }[]): Promise<unknown>
  fetch(name: string, options: { batchSize: number }): Promise<{ id: string; data: Payload }[]>
  complete(name: string, ids: string[]): Promise<unknown>
  stop(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): void
}

interface PgBoss {
  default: new (options: {
    host: string
    port: number
    user: string
    password: string
    database: string
    supervise: boolean
    schedule: boolean
  }) => Boss
}

export const pgBoss: OpenPeer = async (work, directory) => {
  const { default: PgBoss } = await load<PgBoss>('pg-boss')
  const { port, password, stop } = await startPostgres(directory)
  let isClosing = false
  const open = async () => {
    const boss = new PgBoss({
      host: HOST,
      port,
      user: USER,
      password,
      database: DATABASE,
      supervise: false,
      schedule: false,
    })
    // Once its server is stopped, it tells of connections that it has closed already.
    boss.on('error', (error) => {
      if (!isClosing) throw error
    })
    await boss.start()
    return boss
  }
  // Two, for the workers would wait in line for a connection behind all that is sent.
  const sender = await open()
  const worker = await open()
  await sender.createQueue(QUEUE)
  const outcomes = new Outcomes()
  // Its `work` looks for jobs twice a second at most, and does not tell when it has completed them.
  const loop = (async () => {
    while (!isClosing) {
      const jobs = await worker.fetch(QUEUE, { batchSize: BATCH })
      if (jobs.length === 0) continue
      for (const { data } of jobs) perform(work, data.input)
      await worker.complete(
        QUEUE,
        jobs.map(({ id }) => id),
      )
      for (const { data } of jobs) outcomes.report(data.id)
    }
  })()
  return {
    async run(input) {
      const { id, reported } = outcomes.expect()
      await sender.send(QUEUE, { id, input })
      await reported
    },
    async runMany(inputs) {
      const jobs = inputs.map((input) => ({ input, ...outcomes.expect() }))
      await sender.insert(jobs.map(({ id, input }) => ({ name: QUEUE, data: { id, input } })))
      await Promise.all(jobs.map(({ reported }) => reported))
    },
    async close() {
      isClosing = true
      await loop
      await worker.stop()
      await sender.stop()
      await stop()
    },
  }
}
