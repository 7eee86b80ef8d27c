/**
 * What jobs in transit note of themselves, kept beside their records, which do not change while they run.
 *
 * ```
 *  checkpoint ──────────at once──────────▶ a key of its own ──┐
 *  progress, log ──INTERVAL_MS at most──▶ a key of its own ──┴──the job has an outcome──▶ the head of its record
 * ```
 *
 * Each kind of note has one key, and a newer note replaces the one before it. The group that records a job's outcome deletes
 * these keys and puts the notes into the job's record; after a crash, recovery does so. So there are notes of jobs in transit
 * only, a job without notes costs nothing, and nothing else has to know of them.
 */
import { extendLog, type Notes } from '../../../job/notes.js'
import type { NewNotes } from '../../store.js'
import { encodeNote, type NoteKind, noteKey } from '../format/note.js'
import type { Batch, GroupCommit } from '../group-commit.js'
import type { JobEntry } from './job-entry.js'
import { RunningNotes } from './running-notes.js'

/** How often progress and logs are written at most. What a crash takes of them is no older. */
const INTERVAL_MS = 200

export class JobNotes {
  readonly #commits: GroupCommit
  /** The jobs with notes that are newer than what is stored. */
  readonly #changed = new Set<JobEntry>()
  #timer: NodeJS.Timeout | undefined

  constructor(commits: GroupCommit) {
    this.#commits = commits
  }

  /** Fulfilled when it is as durable as an added job. */
  save(job: JobEntry, saved: Uint8Array): Promise<void> {
    const running = runningNotesOf(job)
    running.notes = { ...running.notes, saved }
    return this.#commits.append((batch) => putNote(batch, job, running, 'saved'), { sync: true })
  }

  note(job: JobEntry, { progress, log }: NewNotes): void {
    const running = runningNotesOf(job)
    if (progress) {
      running.notes = { ...running.notes, progress }
      running.changed.add('progress')
    }
    if (log) {
      running.notes = { ...running.notes, log: extendLog(running.notes.log, log.lines, log.dropped) }
      running.changed.add('log')
    }
    this.#changed.add(job)
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL_MS)
  }

  /** The notes of a job that leaves transit. They are to go into its record: their keys are deleted. */
  take(batch: Batch, job: JobEntry): Notes | undefined {
    const { running } = job
    if (!running) return undefined
    this.#changed.delete(job)
    for (const kind of running.stored) batch.del(noteKey(job.place, kind))
    return running.notes
  }

  /** Writes what is newer than what is stored. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#changed.size === 0) return
    const put = (batch: Batch) => {
      for (const job of this.#changed) {
        const running = runningNotesOf(job)
        for (const kind of running.changed) putNote(batch, job, running, kind)
        running.changed.clear()
      }
    }
    this.#commits.append(put).catch(() => {
      // The store has said that it is broken.
    })
    this.#changed.clear()
  }
}

function runningNotesOf(job: JobEntry): RunningNotes {
  job.running ??= new RunningNotes()
  return job.running
}

function putNote(batch: Batch, { place }: JobEntry, { notes, stored }: RunningNotes, kind: NoteKind): void {
  const note = notes[kind]
  if (!note) return
  batch.put(noteKey(place, kind), encodeNote(place, note))
  stored.add(kind)
}
