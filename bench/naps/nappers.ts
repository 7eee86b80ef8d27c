/** Three ways to let many threads nap. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { NAP, openPiscina, openQueue } from '../subject.js'

export interface Nappers {
  /** One nap of so many ms; fulfilled with the thread's id when its end is reported. Lines of naps have numbers from 0. */
  nap(ms: number, line: number): Promise<number>
  /** Does not wait for naps that have not begun. */
  close(): Promise<unknown>
}

export type OpenNappers = (threads: number, directory: string) => Promise<Nappers>

/** Durable to disk, with nothing set but the number of threads. */
export const millrace: OpenNappers = async (threads, directory) => {
  const queue = await openQueue(directory, { maxWorkers: threads })
  return {
    nap: async (ms) => (await queue.enqueue('nap', ms)).finished(),
    close: () => queue.close({ timeout: 0 }),
  }
}

/** A pool alone: it holds what no thread is free for. */
export const piscina: OpenNappers = async (threads) => {
  const pool = openPiscina(NAP, threads)
  // It is closed while naps pass, and does not expect their answers any more.
  pool.on('error', () => {})
  return { nap: (ms) => pool.run(ms), close: () => pool.destroy() }
}

/** No pool at all: each line posts to one thread. With two lines a thread, its next message lies there when it ends a nap. */
export const byHand: OpenNappers = async (threads) => {
  const workers = Array.from({ length: threads }, () => new ThreadByHand())
  await Promise.all(workers.map(({ online }) => online))
  return {
    nap: (ms, line) => (workers[line % threads] as ThreadByHand).nap(ms),
    close: () => Promise.all(workers.map((worker) => worker.close())),
  }
}

const SCRIPT = new URL('../workers/nap-by-hand.js', import.meta.url)

class ThreadByHand {
  readonly #worker = new Worker(SCRIPT)
  /** Those that wait for its answers, which come in the order of the messages. */
  readonly #waiting: ((id: number) => void)[] = []
  readonly online = once(this.#worker, 'online')

  constructor() {
    this.#worker.on('message', (id: number) => this.#waiting.shift()?.(id))
  }

  nap(ms: number): Promise<number> {
    this.#worker.postMessage(ms)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): Promise<number> {
    return this.#worker.terminate()
  }
}
