/**
 * Jobs that earlier runs left unfinished. They run when this command line gives their inputs again, or if `--unfinished` asks for them:
 * a directory may come from elsewhere, and what waits in it may be a stranger's command.
 *
 * ```
 *  open ──▶ holding ──all left jobs were given, or a new input, or no more inputs──▶ released
 * ```
 *
 * While it holds, no job runs, because a queue cannot run some jobs of a task and hold others. The same command gives all inputs again
 * that it left, before any new one, so that it holds for no longer than it takes to read these. When it releases, left jobs that were
 * not given are put aside: they are cancelled, and come back if their inputs are given later, or by `--unfinished`.
 */
import type { Job } from '../../queue/jobs/job-handle.js'
import type { JobQueue } from '../../queue/queue.js'

const PAGE = 1000

export class Leftovers {
  readonly #queue: JobQueue
  readonly #task: string
  readonly #maxWorkers: number
  readonly #openedAt: Date
  #missing: number
  #isHolding = true

  /** The queue was opened with no workers. It has `maxWorkers` when the jobs are released. */
  constructor(queue: JobQueue, task: string, maxWorkers: number, openedAt: Date) {
    this.#queue = queue
    this.#task = task
    this.#maxWorkers = maxWorkers
    this.#openedAt = openedAt
    const { waiting, delayed } = queue.counts(task)
    this.#missing = waiting + delayed
  }

  /** Whether a job was there before this run. */
  isLeft(job: Job): boolean {
    return job.enqueuedAt < this.#openedAt
  }

  /** Takes note that a job was given that has not finished, for the first time. */
  given(job: Job): void {
    if (!this.#isHolding) return
    // After a new input there is no telling whether the missing ones come.
    this.#missing = this.isLeft(job) ? this.#missing - 1 : 0
  }

  /** Releases, if no job is missing any more. */
  async releaseIfComplete(isGiven: (id: string) => boolean): Promise<void> {
    if (this.#missing <= 0) await this.release(isGiven)
  }

  /** Puts aside what was not given, and lets the jobs run. */
  async release(isGiven: (id: string) => boolean): Promise<void> {
    if (!this.#isHolding) return
    this.#isHolding = false
    let after: string | undefined
    for (;;) {
      const page = await this.#queue.jobs({
        task: this.#task,
        state: ['waiting', 'delayed'],
        limit: PAGE,
        ...(after !== undefined && { after }),
      })
      await Promise.all(page.filter(({ id }) => !isGiven(id)).map((job) => job.cancel()))
      after = page.at(-1)?.id
      if (after === undefined) break
    }
    this.#queue.setMaxWorkers(this.#maxWorkers)
  }

  /** Lets all left jobs run, those that were put aside too. */
  async releaseAll(): Promise<void> {
    this.#isHolding = false
    for (;;) {
      const page = await this.#queue.jobs({ task: this.#task, state: 'cancelled', limit: PAGE })
      if (page.length === 0) break
      await Promise.all(page.map((job) => job.retry()))
    }
    this.#queue.setMaxWorkers(this.#maxWorkers)
  }

  /** How many jobs are put aside; `undefined` if there are none. */
  asideText(directory: string): string | undefined {
    const { cancelled } = this.#queue.counts(this.#task)
    if (cancelled === 0) return undefined
    const [jobs, their] =
      cancelled === 1
        ? ['1 job that an earlier run left stays', 'its input was']
        : [`${cancelled} jobs that earlier runs left stay`, 'their inputs were']
    return `${jobs} in ${directory}, because ${their} not given: --unfinished runs such jobs too`
  }
}
