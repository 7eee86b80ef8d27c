/**
 * What opening does about jobs that were in transit when the last process ended.
 *
 * A job still in the backlog with the attempt that its waybill names had no outcome. If a waybill has one such job, the job was
 * running and is charged with the lost attempt. If it has several, none is charged and each runs alone next time; a job that
 * kills the process is then charged. A waybill that was claimed ahead of a free thread charges none, because it may not have
 * run, nor does one whose job shared a thread with others. Jobs that run alone are not in doubt. A job whose last attempt is charged fails here, so that it does not end the
 * next process.
 *
 * If the process was closing when it ended, no job is charged: whatever ended it did not wait for its jobs.
 */
import type { StoredFailure } from '../../errors/error-data.js'
import { addFailure } from '../../job/failures.js'
import type { Head } from '../../job/job.js'
import { type JobEntry, wasInDoubt, waybillOffsets } from './backlog/job-entry.js'
import type { WaitingJobs } from './backlog/waiting-jobs.js'
import type { Counters } from './counters.js'
import type { FinishedJobs } from './finished/finished-jobs.js'
import { CLOSING_KEY, rangeOf, readPlace } from './format/keys.js'
import type { Batch, Database, GroupCommit } from './group-commit.js'
import { LeftNotes } from './left-notes.js'

export interface RecoveryOptions {
  /** How often a job of this task may be tried, given what it was enqueued with. */
  readonly attemptsOf: (task: string | undefined, head: Readonly<Head>) => number
}

export interface RecoveryParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly counters: Counters
  readonly waiting: WaitingJobs
  readonly finished: FinishedJobs
}

interface Suspect {
  readonly entry: JobEntry
  readonly charged: boolean
  /** What it has noted, as members of its head. */
  readonly noted: Partial<Head>
}

export async function recover(
  { db, commits, counters, waiting, finished }: RecoveryParts,
  { attemptsOf }: RecoveryOptions,
): Promise<{ returned: number; failed: number }> {
  const now = Date.now()
  const seen = new Set<number>()
  let returned = 0
  let failed = 0
  const notes = await LeftNotes.find(db)
  const wasClosing = (await db.get(CLOSING_KEY)) !== undefined
  const waybills = db.iterator({ ...rangeOf('x'), highWaterMarkBytes: 1 << 20 })
  for (let batch = await waybills.nextv(1000); batch.length > 0; batch = await waybills.nextv(1000)) {
    for (const [key, value] of batch) {
      const found = await unfinished(waiting, notes, value, seen)
      const suspects = wasClosing ? found.map((suspect) => ({ ...suspect, charged: false })) : found
      await commits.append((group) => {
        group.del(key)
        settleAll(group, suspects)
      })
    }
  }
  await waybills.close()
  // A repair may have lost a waybill, and found its jobs and their notes.
  for (const place of notes.places) {
    const [entry] = await waiting.get([place])
    const suspects = entry ? [{ entry, charged: false, noted: await notes.read(place) }] : []
    await commits.append((group) => {
      settleAll(group, suspects)
      notes.take(group, place)
    })
  }
  // Only now: if this process ends before, the next one finds it again.
  if (wasClosing) await commits.append((group) => group.del(CLOSING_KEY))
  return { returned, failed }

  function settleAll(group: Batch, suspects: readonly Suspect[]): void {
    for (const suspect of suspects) {
      if (settle(group, suspect)) failed++
      else returned++
    }
  }

  /** Whether it failed for good. */
  function settle(group: Batch, { entry, charged, noted }: Suspect): boolean {
    const { place, enqueuedAt, input: body } = entry
    const head: Head = { ...entry.head, ...noted, alone: true }
    waiting.delete(group, entry)
    notes.take(group, place)
    if (charged) {
      head.attempt = (head.attempt ?? 0) + 1
      Object.assign(head, addFailure(head, lostAttempt(head.attempt, now)))
      if (head.attempt >= attemptsOf(counters.task(place.lane), head)) {
        counters.add(place.lane, 'waiting', -1, -entry.storedBytes)
        finished.finish(group, 'failed', { place, head, enqueuedAt, body })
        return true
      }
    }
    const rewritten = waiting.put(group, place, entry.recordWith(head))
    counters.add(place.lane, 'waiting', 0, rewritten.storedBytes - entry.storedBytes)
    return false
  }
}

async function unfinished(
  waiting: WaitingJobs,
  notes: LeftNotes,
  value: Buffer,
  seen: Set<number>,
): Promise<Suspect[]> {
  const listed = [...waybillOffsets(value)].map((at) => ({
    place: readPlace(value, at),
    attempt: value.readUInt16BE(at + 12),
  }))
  const entries = await waiting.get(listed.map(({ place }) => place))
  const found = listed.flatMap(({ place, attempt }, index) => {
    const entry = entries[index]
    if (!entry || seen.has(place.seq) || Math.min(entry.attempt, 0xffff) !== attempt) return []
    seen.add(place.seq)
    return [entry]
  })
  const charged = found.length === 1 && !wasInDoubt(value)
  return Promise.all(found.map(async (entry) => ({ entry, charged, noted: await notes.read(entry.place) })))
}

function lostAttempt(attempt: number, at: number): StoredFailure {
  return {
    attempt,
    at,
    name: 'ProcessDiedError',
    message: 'the process ended while this job was running',
    code: 'MILLRACE_PROCESS_DIED',
  }
}
