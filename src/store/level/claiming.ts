/**
 * The way of a job through transit: claimed from the backlog, running, settled.
 *
 * ```
 *  waiting ──claim──▶ in transit ──settle──▶ counted no more ──written──▶ out of transit: finished, or waiting or delayed again
 * ```
 *
 * A claim takes jobs from the backlog at once and writes them as one waybill. A job counts as running until `settle` is called.
 * It stays in transit until its outcome is written: a read that finds it on disk meanwhile shows it as running.
 */
import type { Claim, Claimed, NewNotes, Pick, Settlement, Waiting } from '../store.js'
import type { Adding } from './adding.js'
import type { Backlog } from './backlog/backlog.js'
import type { DueEntry } from './backlog/delayed-jobs.js'
import { type ClaimedWaybill, encodeWaybill, JobEntry } from './backlog/job-entry.js'
import type { LiveSet } from './backlog/live-set.js'
import type { Transit } from './backlog/transit.js'
import { waybillKey } from './format/keys.js'
import type { Batch, GroupCommit } from './group-commit.js'
import type { RecoveryOptions } from './recovery.js'
import { type OutcomeParts, putOutcomes } from './settlements.js'

export interface ClaimingParts extends OutcomeParts {
  readonly commits: GroupCommit
  readonly backlog: Backlog
  readonly transit: Transit
  readonly live: LiveSet
  readonly adding: Adding
  /** How often a job of this task may be tried. */
  readonly attemptsOf: RecoveryOptions['attemptsOf']
  /** Outcomes are written. */
  settled(): void
}

export class Claiming {
  readonly #parts: ClaimingParts
  readonly #backlog: Backlog
  readonly #transit: Transit

  constructor(parts: ClaimingParts) {
    this.#parts = parts
    this.#backlog = parts.backlog
    this.#transit = parts.transit
  }

  /** See `Store.claim`. */
  claim(pick: (candidate: Waiting) => Pick, inDoubt?: () => boolean): Claim | undefined {
    const jobs = this.#take(pick)
    if (jobs.length === 0) return undefined
    const isInDoubt = inDoubt?.() ?? false
    const waybill: ClaimedWaybill = {
      number: this.#parts.counters.next(),
      jobs,
      isInDoubt,
      left: jobs.length,
    }
    this.#transit.enter(waybill)
    const value = encodeWaybill(jobs, isInDoubt)
    const written = this.#parts.commits.append((batch) => batch.put(waybillKey(waybill.number), value))
    return { jobs, written }
  }

  #take(pick: (candidate: Waiting) => Pick): JobEntry[] {
    const jobs: JobEntry[] = []
    try {
      for (let next = this.#backlog.next(); next; next = this.#backlog.next()) {
        const answer = pick(next)
        if (answer === 'stop') break
        if (answer === 'skip') this.#backlog.skip()
        else if (answer === 'hold') this.#backlog.hold()
        else {
          this.#backlog.take()
          jobs.push(next)
        }
      }
    } finally {
      this.#backlog.endClaim()
    }
    return jobs
  }

  /** See `Store.noteStarted`. */
  noteStarted(job: Claimed, at: number): void {
    ;(job as JobEntry).startedAt = at
  }

  /** See `Store.note`. */
  note(job: Claimed, notes: NewNotes): void {
    const entry = job as JobEntry
    if (entry.waybill) this.#parts.notes.note(entry, notes)
  }

  /** See `Store.checkpoint`. */
  async checkpoint(job: Claimed, saved: Uint8Array): Promise<boolean> {
    const entry = job as JobEntry
    if (!entry.waybill) return false
    await this.#parts.notes.save(entry, saved)
    return true
  }

  /** See `Store.settle`. */
  settle(settlements: readonly Settlement[]): Promise<number> {
    const now = Date.now()
    const waiting: JobEntry[] = []
    const delayed: DueEntry[] = []
    let finishedAt = now
    const put = (batch: Batch) => {
      putOutcomes(this.#parts, batch, settlements, now, (entry) => {
        if (entry instanceof JobEntry) waiting.push(entry)
        else delayed.push(entry)
      })
      finishedAt = this.#parts.finished.at
    }
    const after = () => {
      for (const { job } of settlements) {
        const { place } = job
        this.#transit.leave(place.seq)
        // Those that wait again are entered again below.
        this.#parts.live.delete(place.seq)
        this.#backlog.forget(job as JobEntry)
      }
      this.#parts.adding.admit(waiting, delayed)
      this.#parts.settled()
    }
    const sync = settlements.some((settlement) => this.#mustLast(settlement))
    const written = this.#parts.commits.append(put, { sync, after })
    this.#transit.settle(settlements.map(({ job }) => job as JobEntry))
    return written.then(() => finishedAt)
  }

  /**
   * Whether an outcome must be on disk before it is told. If a power cut took it, recovery would charge a lost attempt. For a job on
   * its last attempt that means `failed`, though another outcome was told. A job in a chunk needs no look: its group is fsynced.
   */
  #mustLast({ outcome, job }: Settlement): boolean {
    if (outcome !== 'completed' && outcome !== 'cancelled') return false
    const { chunk, waybill, attempt, head, place } = job as JobEntry
    if ((chunk && !chunk.isApart) || waybill?.isInDoubt) return false
    return attempt >= this.#parts.attemptsOf(this.#parts.counters.task(place.lane), head)
  }
}
