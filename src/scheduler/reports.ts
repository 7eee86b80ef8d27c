/** What running jobs report of themselves: kept by the store, and told to the application. */
import { toErrorData } from '../errors/error-data.js'
import { TooLargeError } from '../errors/errors.js'
import type { JobLog } from '../job/notes.js'
import { answer, type Said } from '../pool/said.js'
import type { Claimed, Store } from '../store/store.js'

export interface ReportLimits {
  /** The largest encoded checkpoint, in bytes; that of inputs. */
  readonly maxJobBytes: number
}

export interface ReportEvents {
  started(job: Claimed): void
  progress(job: Claimed, value: Uint8Array): void
  log(job: Claimed, log: JobLog): void
}

export class Reports {
  readonly #store: Store
  readonly #limits: ReportLimits
  readonly #events: ReportEvents

  constructor(store: Store, limits: ReportLimits, events: ReportEvents) {
    this.#store = store
    this.#limits = limits
    this.#events = events
  }

  started(job: Claimed, at: number): void {
    this.#store.noteStarted(job, at)
    this.#events.started(job)
  }

  said(job: Claimed, said: Said): void {
    if ('log' in said) {
      this.#store.note(job, { log: said.log })
      this.#events.log(job, said.log)
    } else if ('progress' in said) {
      this.#store.note(job, { progress: said.progress })
      this.#events.progress(job, said.progress)
    } else
      this.#save(job, said.checkpoint).then(
        (isSaved) => answer(said.reply, isSaved ? 'stored' : 'ended'),
        (error: unknown) => answer(said.reply, toErrorData(error)),
      )
  }

  /** `false`: the job has ended. */
  async #save(job: Claimed, saved: Uint8Array): Promise<boolean> {
    const { maxJobBytes } = this.#limits
    if (saved.byteLength > maxJobBytes) throw new TooLargeError('checkpoint', maxJobBytes, 'maxJobBytes')
    return this.#store.checkpoint(job, saved)
  }
}
