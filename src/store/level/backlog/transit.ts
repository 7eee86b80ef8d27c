/** The jobs in transit, and how many there are of each lane. */
import type { ClaimedWaybill, JobEntry } from './job-entry.js'

export class Transit {
  /** By seq, until their outcome is written. */
  readonly #jobs = new Map<number, JobEntry>()
  /** How many there are of each lane that has had some. They count, as the counters do, when a change is put into a group. */
  readonly #counts = new Map<number, number>()
  #total = 0
  #bytes = 0
  /** What has entered since `watch`. */
  #watched: Set<number> | undefined

  has(seq: number): boolean {
    return this.#jobs.has(seq)
  }

  get(seq: number): JobEntry | undefined {
    return this.#jobs.get(seq)
  }

  [Symbol.iterator](): Iterator<JobEntry> {
    return this.#jobs.values()
  }

  count(lane: number | undefined): number {
    return lane === undefined ? this.#total : (this.#counts.get(lane) ?? 0)
  }

  /** How many bytes the records of all that count take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Jobs have been claimed as this waybill. */
  enter(waybill: ClaimedWaybill): void {
    for (const job of waybill.jobs) {
      job.waybill = waybill
      this.#jobs.set(job.place.seq, job)
      this.#watched?.add(job.place.seq)
    }
    this.#count(waybill.jobs, 1)
  }

  /** The outcomes of jobs are about to be written: they count no more, but are here until `leave`. */
  settle(jobs: readonly JobEntry[]): void {
    this.#count(jobs, -1)
  }

  /** The seqs of the jobs that enter from now on, until `unwatch`. */
  watch(): ReadonlySet<number> {
    this.#watched = new Set()
    return this.#watched
  }

  unwatch(): void {
    this.#watched = undefined
  }

  leave(seq: number): void {
    this.#jobs.delete(seq)
  }

  /** Jobs of one lane mostly stand together. */
  #count(jobs: readonly JobEntry[], change: 1 | -1): void {
    this.#total += change * jobs.length
    for (let at = 0; at < jobs.length; ) {
      const lane = (jobs[at] as JobEntry).place.lane
      const from = at
      for (; jobs[at]?.place.lane === lane; at++) this.#bytes += change * (jobs[at] as JobEntry).storedBytes
      this.#counts.set(lane, (this.#counts.get(lane) ?? 0) + change * (at - from))
    }
  }
}
