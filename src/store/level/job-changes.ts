/**
 * What is done to jobs that do not run, by hand: cancel, revive, remove; one of them, or all that match.
 *
 * ```
 *  waiting ──withhold──▶ withheld ──written──▶ gone, or in another state
 *                           └──nothing is to be done──▶ waiting
 * ```
 *
 * A change reads jobs first and writes then. Changes run one at a time, so that what one has read still holds when it is
 * written. A job in transit belongs to its scheduler: a change leaves it alone.
 */
import { FINISHED_STATES, type Head, type Place, type StoredJob } from '../../job/job.js'
import type { JobChange, JobFilter } from '../store.js'
import type { Backlog } from './backlog/backlog.js'
import type { Delayed } from './backlog/delayed-jobs.js'
import type { JobEntry } from './backlog/job-entry.js'
import type { Transit } from './backlog/transit.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { Counters } from './counters.js'
import type { FinishedJobs } from './finished/finished-jobs.js'
import { dueKey, jobKey, nameKey } from './format/keys.js'
import { encodeRecord } from './format/record.js'
import type { Batch, GroupCommit } from './group-commit.js'
import type { Found, JobQueries } from './job-queries.js'

export interface JobChangesParts {
  readonly commits: GroupCommit
  readonly counters: Counters
  readonly queries: JobQueries
  readonly waiting: WaitingJobs
  readonly backlog: Backlog
  readonly delayed: Delayed
  readonly finished: FinishedJobs
  readonly transit: Transit
  /** A job has joined the backlog. */
  enter(entry: JobEntry): void
  /** A job waits and is delayed no more. */
  left(place: Place): void
}

/** How many jobs that match are read, and changed in one group. */
const PAGE_JOBS = 1000
const PAGE_BYTES = 8 * 1024 * 1024

export class JobChanges {
  readonly #parts: JobChangesParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: JobChangesParts) {
    this.#parts = parts
  }

  /** Runs `work` when the changes before it are done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  /** Fulfilled when every change that was begun is done. */
  async quiet(): Promise<void> {
    await this.inTurn(async () => {})
  }

  /** Changes the job at this place. `false`: its state does not allow it, or there is none. */
  changeOne(place: Place, change: JobChange): Promise<boolean> {
    const { queries, backlog, transit, waiting } = this.#parts
    return this.inTurn(() =>
      waiting.holding(async () => {
        if (transit.has(place.seq)) return false
        const release = backlog.withhold(place)
        const found = await queries.find(place)
        if (found && allows(change, found.job)) {
          await this.#write([found], change, [release])
          return true
        }
        release(found?.entry)
        return false
      }),
    )
  }

  /** Changes all jobs that match, a page at a time. `changed` is told of each page once it is written. */
  async changeAll(
    filter: JobFilter,
    change: JobChange,
    changed: (jobs: readonly StoredJob[]) => void,
  ): Promise<number> {
    let count = 0
    for (const state of filter.states) {
      let after: Place | undefined
      for (;;) {
        const page = await this.inTurn(() => this.#changePage({ ...filter, states: [state], after }, change))
        if (!page.last) break
        after = page.last
        count += page.jobs.length
        if (page.jobs.length > 0) changed(page.jobs)
      }
    }
    return count
  }

  #changePage(
    { states, lane, after }: JobFilter & { after: Place | undefined },
    change: JobChange,
  ): Promise<{ jobs: StoredJob[]; last: Place | undefined }> {
    const { queries, backlog, transit, waiting } = this.#parts
    return waiting.holding(async () => {
      const query = { states, limit: PAGE_JOBS, ...(lane !== undefined && { lane }), ...(after && { after }) }
      // What is claimed while the page is read is no longer as it was read.
      const claimed = transit.watch()
      const page = await queries.page(query, PAGE_BYTES).finally(() => transit.unwatch())
      const found = page.filter(({ job }) => !claimed.has(job.place.seq) && allows(change, job))
      const releases = found.map(({ job }) => backlog.withhold(job.place))
      if (found.length > 0) await this.#write(found, change, releases)
      return { jobs: found.map(({ job }) => job), last: page.at(-1)?.job.place }
    })
  }

  /** Writes the change. Then calls `releases`, which end the withholding of its jobs. */
  async #write(found: readonly Found[], change: JobChange, releases: readonly (() => void)[]): Promise<void> {
    const { commits, finished, delayed, left, enter } = this.#parts
    const unlisted: ((batch: Batch) => void)[] = []
    for (const state of FINISHED_STATES) {
      const jobs = found.flatMap(({ job }) => (job.state === state ? [job] : []))
      if (jobs.length > 0) unlisted.push(await finished.unlist(state, jobs))
    }
    const entries: JobEntry[] = []
    const put = (batch: Batch) => {
      for (const unlist of unlisted) unlist(batch)
      for (const each of found) {
        const entry = this.#put(batch, each, change)
        if (entry) entries.push(entry)
      }
    }
    const after = () => {
      for (const release of releases) release()
      for (const { job } of found) {
        if (job.state === 'delayed') delayed.drop(dueKey(job.head.runAt ?? 0, job.place))
        left(job.place)
      }
      for (const entry of entries) enter(entry)
    }
    await commits.append(put, { after })
  }

  /** Puts one change into a group. What waits because of it. */
  #put(batch: Batch, { job, entry }: Found, change: JobChange): JobEntry | undefined {
    const { counters, waiting, finished } = this.#parts
    const { place, state, head, enqueuedAt } = job
    if (state === 'running') return undefined
    if (entry) waiting.delete(batch, entry)
    else batch.del(jobKey(state, place))
    if (state === 'delayed') batch.del(dueKey(head.runAt ?? 0, place))
    counters.add(place.lane, state, -1)
    switch (change.verb) {
      case 'cancel':
        finished.finish(batch, 'cancelled', job)
        return undefined
      case 'remove':
        if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
        return undefined
      case 'revive':
        counters.add(place.lane, 'waiting', 1)
        return waiting.put(
          batch,
          place,
          encodeRecord(place, enqueuedAt, revived(job, change.attemptsOf(job)), job.body),
        )
    }
  }
}

function allows({ verb }: JobChange, { state }: StoredJob): boolean {
  if (verb === 'cancel') return state === 'waiting' || state === 'delayed'
  if (verb === 'revive') return state === 'delayed' || state === 'failed' || state === 'cancelled'
  return state !== 'running'
}

/** The head of a job that runs again. Whatever it did not use up stays as it is. */
function revived({ state, head }: StoredJob, attempts: number): Head {
  const { startedAt: _start, finishedAt: _at, group: _group, runAt: _runAt, ...rest } = head
  return state === 'delayed' ? rest : { ...rest, granted: (rest.granted ?? 0) + attempts }
}
