/**
 * Starts threads, through Piscina.
 *
 * One `run` of Piscina starts one thread and hands it a port; that task ends at once. From then on waybills travel by the port, so
 * that what one costs does not grow with the number of threads. Piscina starts the threads, sets their limits, counts and ends
 * them. It does not choose between them, nor let any work wait: a thread is given the one task for which it was started.
 *
 * ```
 *  start ──▶ starting ──ready: it is given its port──▶ started
 *               └──it ends──▶ forgotten               (its worker's `error` and `exit` say why)
 * ```
 */
import type { MessagePort, ResourceLimits, SHARE_ENV, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { WorkerModule } from '../../tasks/worker-module.js'
import { THREAD_FILE } from '../thread-file.js'

type Options = NonNullable<ConstructorParameters<typeof Piscina>[0]>
type TaskQueue = NonNullable<Options['taskQueue']>
type Task = Parameters<TaskQueue['push']>[0]
type LoadBalancer = NonNullable<Options['loadBalancer']>

/** What every thread is given. */
export interface ThreadOptions {
  /** Run once in each, before its first job. */
  readonly setup: WorkerModule | undefined
  /** Their environment variables; `undefined`: a copy of those of the process. */
  readonly env: Record<string, string> | typeof SHARE_ENV | undefined
  /** Their flags of Node.js; `undefined`: those of the process. */
  readonly execArgv: string[] | undefined
}

export class ThreadStarter {
  readonly #setup: WorkerModule | undefined
  readonly #piscina: Piscina
  readonly #starts = new Starts()
  readonly #known = new WeakSet<Worker>()

  /** At most `most` threads at once. */
  constructor(limits: ResourceLimits | undefined, most: number, { setup, env, execArgv }: ThreadOptions) {
    this.#setup = setup
    this.#piscina = new Piscina({
      filename: THREAD_FILE,
      minThreads: 0,
      maxThreads: most,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A thread that waits for work in `Atomics.wait` would not go on with its timers and sockets.
      atomics: 'disabled',
      recordTiming: false,
      taskQueue: this.#starts,
      loadBalancer: this.#starts.choose,
      ...(limits && { resourceLimits: limits }),
      ...(env && { env }),
      ...(execArgv && { execArgv }),
    })
    this.#piscina.on('workerCreate', ({ id }: { id: number }) => this.#starts.noteReady(id))
    // The workers are listened to themselves.
    this.#piscina.on('error', () => {})
  }

  /** How many threads there are, those that start or end included. */
  get threads(): number {
    return this.#piscina.threads.length
  }

  /** Starts a thread that will take this port. Throws if the system refuses. */
  start(port: MessagePort): Worker {
    try {
      // How it ends is known by its worker.
      this.#piscina.run({ port, setup: this.#setup }, { transferList: [port] }).catch(() => {})
      const worker = this.#piscina.threads.find((each) => !this.#known.has(each))
      if (!worker) throw new Error(`there are ${this.threads} threads already`)
      this.#known.add(worker)
      const id = worker.threadId
      this.#starts.noteStarting(id)
      worker.once('exit', () => this.#starts.forget(id))
      return worker
    } finally {
      this.#starts.endStart()
    }
  }

  /** Ends all threads. Fulfilled when they have ended, which code that cannot be interrupted may delay. */
  async close(): Promise<void> {
    await this.#piscina.destroy()
  }
}

/** Piscina's task queue and load balancer: the task that a ready thread was started for is there, and no other. */
class Starts implements TaskQueue {
  readonly #tasks = new Map<number, Task>()
  #pushed: Task | undefined
  #ready: number | undefined

  readonly choose: LoadBalancer = (_task, workers) => {
    const id = this.#ready
    this.#ready = undefined
    return workers.find((worker) => id !== undefined && worker.id === id) ?? null
  }

  get size(): number {
    return this.#ready !== undefined && this.#tasks.has(this.#ready) ? 1 : 0
  }

  shift(): Task | null {
    if (this.#ready === undefined) return null
    const task = this.#tasks.get(this.#ready)
    this.#tasks.delete(this.#ready)
    return task ?? null
  }

  push(task: Task): void {
    this.#pushed = task
  }

  remove(task: Task): void {
    for (const [id, each] of this.#tasks) if (each === task) this.#tasks.delete(id)
  }

  noteStarting(id: number): void {
    if (this.#pushed) this.#tasks.set(id, this.#pushed)
  }

  endStart(): void {
    this.#pushed = undefined
  }

  noteReady(id: number): void {
    this.#ready = id
  }

  forget(id: number): void {
    this.#tasks.delete(id)
  }
}
