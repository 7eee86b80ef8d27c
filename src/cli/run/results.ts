/** The results of `millrace run`: written as they come, and counted. */
import type { Job } from '../../queue/jobs/job-handle.js'
import type { FoundModule } from './module.js'
import type { Output } from './output.js'
import type { Progress } from './progress.js'

/** What a job keeps beside its input. */
export interface RunMeta {
  /** The version of the module with which it was enqueued. */
  readonly module: string
}

export class Results {
  readonly #output: Output
  readonly #progress: Progress
  readonly #module: FoundModule
  readonly #openedAt: Date
  /** How many results were written. */
  done = 0
  failed = 0
  /** How many of them are of jobs that had finished in an earlier run. */
  earlier = 0
  /** How many of those may be other than the module would give now. */
  outdated = 0

  constructor(output: Output, progress: Progress, module: FoundModule, openedAt: Date) {
    this.#output = output
    this.#progress = progress
    this.#module = module
    this.#openedAt = openedAt
  }

  /** Writes the result of a job that has finished. */
  add(job: Job): void {
    const { id, state: status, input, finishedAt = this.#openedAt } = job
    // Whoever wrote the directory may have left it out.
    const module = (job.meta as Partial<RunMeta> | undefined)?.module
    const isCompleted = status === 'completed'
    if (finishedAt < this.#openedAt) {
      this.earlier++
      // A job that an earlier version left may have been run by this one.
      if (module !== this.#module.version && finishedAt.getTime() < this.#module.changedAt) this.outdated++
    }
    if (isCompleted) return this.#write({ id, status, input }, { output: job.output ?? null }, true)
    const {
      attempt: _attempt,
      at: _at,
      startedAt: _startedAt,
      ...error
    } = job.failures.at(-1) ?? { message: status }
    this.#write({ id, status, input, attempts: job.attempt }, { error }, false)
  }

  /** Writes the result of an input that no job can be made of. `line` is absent where the input is no line. */
  addRefused(line: number | undefined, error: { name: string; message: string; code: string }): void {
    this.#write({ ...(line !== undefined && { line }), status: 'failed', attempts: 0 }, { error }, false)
  }

  /** What is to be known of results that were not made in this run; `undefined` if all were. */
  earlierText(): string | undefined {
    if (this.earlier === 0) return undefined
    const some = `${this.earlier} of ${this.done} results ${this.earlier === 1 ? 'is from an earlier run' : 'are from earlier runs'}`
    if (this.outdated === 0) return some
    return `${some}; ${this.#module.name} has changed since ${this.outdated} of them: --fresh runs all inputs anew`
  }

  /** Fulfilled when what was written has gone to the reader. */
  drained(): Promise<void> {
    return this.#output.drained()
  }

  #write(subject: object, outcome: object, isCompleted: boolean): void {
    this.done++
    const write = () => {
      if (!this.#output.write(subject, outcome) || !isCompleted) this.failed++
    }
    if (this.#output.isTerminal) this.#progress.apart(write)
    else write()
  }
}
