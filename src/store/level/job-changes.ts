/**
 * What is done to jobs that do not run, by hand: cancel, revive, remove; one of them, or all that match.
 *
 * ```
 *  waiting ──withhold──▶ withheld ──written──▶ gone, or in another state
 *                           └──nothing is to be done──▶ waiting
 * ```
 *
 * A change reads jobs first and writes then. Changes run one at a time, so that what one has read still holds when it is
 * written. Changes of single jobs that are asked for while another runs make one change together: they are read together and
 * written in one group. A job in transit belongs to its scheduler: a change leaves it alone.
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

/** How many jobs are read, and changed in one group. */
const PAGE_JOBS = 1000
const PAGE_BYTES = 8 * 1024 * 1024
/** How many single jobs are read at a time. */
const READ_AT_ONCE = 16

/** A job that has been read, and what is done to it. */
interface FoundChange {
  readonly found: Found
  readonly change: JobChange
}

/** A job that cannot be claimed until it is released. */
interface Withheld {
  readonly found: Found | undefined
  readonly release: (back?: JobEntry) => void
}

/** One job that somebody wants changed. */
interface Request {
  readonly place: Place
  readonly change: JobChange
  readonly resolve: (isChanged: boolean) => void
  readonly reject: (error: unknown) => void
}

export class JobChanges {
  readonly #parts: JobChangesParts
  #last: Promise<unknown> = Promise.resolve()
  /** Single jobs whose change has not begun, by their seqs, if nothing else has been asked for since. */
  #gathering: Map<number, Request> | undefined

  constructor(parts: JobChangesParts) {
    this.#parts = parts
  }

  /** Runs `work` when the changes before it are done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#gathering = undefined
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
    return new Promise((resolve, reject) => {
      const request = { place, change, resolve, reject }
      const requests = this.#gathering
      // A second change of one job must see what the first has made of it.
      if (requests && requests.size < PAGE_JOBS && !requests.has(place.seq)) requests.set(place.seq, request)
      else this.#gather(request)
    })
  }

  #gather(first: Request): void {
    const requests = new Map([[first.place.seq, first]])
    void this.inTurn(async () => {
      if (this.#gathering === requests) this.#gathering = undefined
      await this.#changeSingly([...requests.values()])
    })
    this.#gathering = requests
  }

  /** Changes these jobs, as many of them in one group as `PAGE_BYTES` allows. */
  async #changeSingly(requests: readonly Request[]): Promise<void> {
    for (let at = 0; at < requests.length; ) {
      try {
        const answers = await this.#parts.waiting.holding(() => this.#changeGroup(requests, at))
        for (const isChanged of answers) requests[at++]?.resolve(isChanged)
      } catch (error) {
        const rest = requests.slice(at)
        if (rest.length === 1) rest[0]?.reject(error)
        // What fails for one must not fail for the others.
        else for (const request of rest) await this.#changeSingly([request])
        return
      }
    }
  }

  /** Changes some of the jobs, from `from` on, in one group. Which of them were changed. */
  async #changeGroup(requests: readonly Request[], from: number): Promise<boolean[]> {
    const answers: boolean[] = []
    const changes: FoundChange[] = []
    const releases: (() => void)[] = []
    for (let bytes = 0; from + answers.length < requests.length && bytes < PAGE_BYTES; ) {
      const at = from + answers.length
      const some = requests.slice(at, at + READ_AT_ONCE)
      const withheld = await Promise.all(some.map(({ place }) => this.#withhold(place)))
      for (const [index, { change }] of some.entries()) {
        const { found, release } = withheld[index] as Withheld
        const isAllowed = found !== undefined && allows(change, found.job)
        answers.push(isAllowed)
        if (isAllowed) {
          changes.push({ found, change })
          releases.push(release)
          bytes += found.bytes
        } else release(found?.entry)
      }
    }
    if (changes.length > 0) await this.#write(changes, releases)
    return answers
  }

  /** Keeps a job from being claimed, and reads it. Nothing of a job in transit, or of none. */
  async #withhold(place: Place): Promise<Withheld> {
    const { queries, backlog, transit } = this.#parts
    if (transit.has(place.seq)) return { found: undefined, release: () => {} }
    const release = backlog.withhold(place)
    return { found: await queries.find(place), release }
  }

  /** Changes all jobs that match, a page at a time. `changed` is told of each page once it is written. */
  async changeAll(
    filter: JobFilter,
    change: JobChange,
    changed: (jobs: readonly StoredJob[], at: number) => void,
  ): Promise<number> {
    let count = 0
    for (const state of filter.states) {
      let after: Place | undefined
      for (;;) {
        const page = await this.inTurn(() => this.#changePage({ ...filter, states: [state], after }, change))
        if (!page.last) break
        after = page.last
        count += page.jobs.length
        if (page.jobs.length > 0) changed(page.jobs, page.at)
      }
    }
    return count
  }

  #changePage(
    { states, lane, after }: JobFilter & { after: Place | undefined },
    change: JobChange,
  ): Promise<{ jobs: StoredJob[]; last: Place | undefined; at: number }> {
    const { queries, backlog, transit, waiting } = this.#parts
    return waiting.holding(async () => {
      const query = { states, limit: PAGE_JOBS, ...(lane !== undefined && { lane }), ...(after && { after }) }
      // What is claimed while the page is read is no longer as it was read.
      const claimed = transit.watch()
      const page = await queries.page(query, PAGE_BYTES).finally(() => transit.unwatch())
      const found = page.filter(({ job }) => !claimed.has(job.place.seq) && allows(change, job))
      const releases = found.map(({ job }) => backlog.withhold(job.place))
      const changes = found.map((each) => ({ found: each, change }))
      const at = found.length > 0 ? await this.#write(changes, releases) : 0
      return { jobs: found.map(({ job }) => job), last: page.at(-1)?.job.place, at }
    })
  }

  /** Writes changes. Then calls `releases`, which end the withholding of their jobs. Gives `finishedAt` of those that finish by it. */
  async #write(changes: readonly FoundChange[], releases: readonly (() => void)[]): Promise<number> {
    const { commits, finished, delayed, left, enter } = this.#parts
    const unlisted: ((batch: Batch) => void)[] = []
    for (const state of FINISHED_STATES) {
      const jobs = changes.flatMap(({ found: { job } }) => (job.state === state ? [job] : []))
      if (jobs.length > 0) unlisted.push(await finished.unlist(state, jobs))
    }
    const entries: JobEntry[] = []
    let finishedAt = 0
    const put = (batch: Batch) => {
      for (const unlist of unlisted) unlist(batch)
      for (const each of changes) {
        const entry = this.#put(batch, each)
        if (entry) entries.push(entry)
      }
      finishedAt = finished.at
    }
    const after = () => {
      for (const release of releases) release()
      for (const {
        found: { job },
      } of changes) {
        if (job.state === 'delayed') delayed.drop(dueKey(job.head.runAt ?? 0, job.place))
        left(job.place)
      }
      for (const entry of entries) enter(entry)
    }
    await commits.append(put, { after })
    return finishedAt
  }

  /** Puts one change into a group. What waits because of it. */
  #put(batch: Batch, { found: { job, bytes, entry }, change }: FoundChange): JobEntry | undefined {
    const { counters, waiting, finished } = this.#parts
    const { place, state, head, enqueuedAt } = job
    if (state === 'running') return undefined
    if (entry) waiting.delete(batch, entry)
    else batch.del(jobKey(state, place))
    if (state === 'delayed') batch.del(dueKey(head.runAt ?? 0, place))
    counters.add(place.lane, state, -1, -bytes)
    switch (change.verb) {
      case 'cancel':
        finished.finish(batch, 'cancelled', job)
        return undefined
      case 'remove':
        if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
        return undefined
      case 'revive': {
        const record = encodeRecord(place, enqueuedAt, revived(job, change.attemptsOf(job)), job.body)
        counters.add(place.lane, 'waiting', 1, record.length)
        return waiting.put(batch, place, record)
      }
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
