/** BullMQ on Redis: jobs run in this process, or in its sandbox of worker threads. */
import { THREADS } from '../subject.js'
import { load, type OpenPeer, Outcomes, type Payload, perform } from './peer.js'
import { type AppendFsync, startRedis } from './redis.js'
import { HOST } from './server.js'

interface Connection {
  connection: { host: string; port: number; password: string }
}

interface Job {
  name: string
  data: Payload
}

interface BullMq {
  Queue: new (
    name: string,
    options: Connection & { defaultJobOptions: { removeOnComplete: boolean } },
  ) => {
    add(name: string, data: Payload): Promise<unknown>
    addBulk(jobs: Job[]): Promise<unknown>
    close(): Promise<void>
  }
  Worker: new (
    name: string,
    processor: ((job: Job) => Promise<unknown>) | URL,
    options: Connection & {
      concurrency: number
      useWorkerThreads?: boolean
      workerThreadsOptions?: { execArgv: string[] }
    },
  ) => {
    on(event: 'completed', listener: (job: Job) => void): void
    on(event: 'failed', listener: (job: Job | undefined, error: Error) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    waitUntilReady(): Promise<unknown>
    close(): Promise<void>
  }
}

const PROCESSOR = new URL('./bullmq-processor.js', import.meta.url)

/** So many jobs at once in process, for they are done with the server by turns: BullMQ advises 100 to 300. */
const CONCURRENCY = 100

export function bullmq(where: 'in process' | 'sandbox', appendfsync: AppendFsync): OpenPeer {
  return async (work, directory) => {
    const { Queue, Worker } = await load<BullMq>('bullmq')
    const { port, password, stop } = await startRedis(directory, appendfsync)
    const connection = { host: HOST, port, password }
    const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } })
    const worker =
      where === 'sandbox'
        ? new Worker('bench', PROCESSOR, {
            connection,
            concurrency: THREADS,
            useWorkerThreads: true,
            // Threads cannot be given those of this process.
            workerThreadsOptions: { execArgv: [] },
          })
        : new Worker('bench', async ({ data }) => perform(work, data.input), {
            connection,
            concurrency: CONCURRENCY,
          })
    const outcomes = new Outcomes()
    worker.on('completed', (job) => outcomes.report(job.data.id))
    worker.on('failed', (_job, error) => {
      throw error
    })
    worker.on('error', (error) => {
      throw error
    })
    await worker.waitUntilReady()
    return {
      async run(input) {
        const { id, reported } = outcomes.expect()
        await queue.add(work, { id, input })
        await reported
      },
      async runMany(inputs) {
        const jobs = inputs.map((input) => ({ input, ...outcomes.expect() }))
        await queue.addBulk(jobs.map(({ id, input }) => ({ name: work, data: { id, input } })))
        await Promise.all(jobs.map(({ reported }) => reported))
      },
      async close() {
        await worker.close()
        await queue.close()
        await stop()
      },
    }
  }
}
