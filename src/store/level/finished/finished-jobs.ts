/**
 * Finished jobs: recorded as the retention says.
 *
 * The jobs that finish in one group share one entry of the retention index, which lists them; each job's record names that
 * entry. Small ones that complete together are stored as chunks, and listed as such.
 */
import type { FinishedState, Head, Place, StoredJob } from '../../../job/job.js'
import type { Retention } from '../../store.js'
import type { JobEntry } from '../backlog/job-entry.js'
import type { Counters } from '../counters.js'
import type { Limit, Read } from '../format/bounded-read.js'
import { SEQ_SPAN } from '../format/chunk.js'
import { completedChunkKey, finishedKey, jobKey, nameKey } from '../format/keys.js'
import { partsOf, recordOf, sizeOf } from '../format/record.js'
import type { Batch, Database, Snapshot } from '../group-commit.js'
import { CompletedChunks, type SizedJob } from './completed-chunks.js'
import { Pruning, type PruningParts } from './pruning.js'
import { CHUNK_OF_JOBS, JOB, JobList, listedAt, NAMED_JOB, offsetsOf } from './retention-entry.js'

/** The index entry of the group that is being gathered. */
interface Finishing {
  readonly group: number
  readonly jobs: JobList
}

export class FinishedJobs {
  readonly #db: Database
  readonly #counters: Counters
  readonly #retention: Retention
  readonly #keptInputBytes: number
  readonly #finishing = new Map<FinishedState, Finishing>()
  readonly #chunks: CompletedChunks
  readonly pruning: Pruning
  /** When the jobs of the group that is being gathered finish. */
  #at: number | undefined

  /** `keptInputBytes`: the largest input that is kept with a completed job. */
  constructor(parts: PruningParts, retention: Retention, keptInputBytes: number) {
    this.#db = parts.db
    this.#counters = parts.counters
    this.#retention = retention
    this.#keptInputBytes = keptInputBytes
    this.#chunks = new CompletedChunks(parts.db)
    this.pruning = new Pruning(parts, this.#chunks, retention)
  }

  /** Whether jobs of this state are kept at all. */
  keeps(state: FinishedState): boolean {
    const { count, bytes, age } = this.#retention[state]
    return count > 0 && bytes > 0 && age > 0
  }

  /** `finishedAt` of the jobs that finish in the group that is being gathered. */
  get at(): number {
    this.#at ??= Date.now()
    return this.#at
  }

  /**
   * Records a finished job, or deletes its key where such jobs are not kept. Its waiting record is the caller's to delete.
   * `from` is a job that has completed, as it was in the backlog: its input is kept with it unless it is too large. If it was in a
   * chunk there, it may go into one again.
   */
  finish(
    batch: Batch,
    state: FinishedState,
    { place, head, enqueuedAt, body }: Omit<StoredJob, 'state' | 'input'>,
    { attempt = 0, startedAt = 0 }: Pick<Head, 'attempt' | 'startedAt'> = head,
    from?: JobEntry,
  ): void {
    if (!this.keeps(state)) {
      if (head.key !== undefined) batch.del(nameKey(place.lane, head.key))
      return
    }
    let finishing = this.#finishing.get(state)
    if (!finishing) {
      finishing = { group: this.#counters.next(), jobs: new JobList() }
      this.#finishing.set(state, finishing)
    }
    const { group } = finishing
    const end = { attempt, startedAt: Math.trunc(startedAt), finishedAt: this.at, group }
    const isNamed = head.key !== undefined
    const inputBytes = from?.inputBytes
    const kept = from && this.#keepsInput(from, inputBytes) ? from : undefined
    const parts = partsOf(place, enqueuedAt, head, body, end, kept, inputBytes)
    const size = sizeOf(parts)
    this.#counters.add(place.lane, state, 1, size)
    const chunk = from?.chunk
    if (chunk && !chunk.isApart && !isNamed && this.#chunks.add(chunk, parts, size)) return
    batch.put(jobKey(state, place), recordOf(parts, size))
    finishing.jobs.push(place, isNamed ? NAMED_JOB : JOB, { count: 1, bytes: size })
  }

  /** An `undefined` needs no keeping. */
  #keepsInput(job: JobEntry, inputBytes = 0): boolean {
    return inputBytes <= this.#keptInputBytes && !(inputBytes === 1 && job.isWithoutInput)
  }

  /** Adds the group's index entries to it. Returns what to do once it is written. */
  seal(batch: Batch): (() => void) | undefined {
    const { at } = this
    this.#at = undefined
    if (this.#finishing.size === 0) return undefined
    const completed = this.#finishing.get('completed')
    for (const { place, isChunk, amount } of completed ? this.#chunks.seal(batch, completed.group) : [])
      completed?.jobs.push(place, isChunk ? CHUNK_OF_JOBS : JOB, amount)
    const written: [FinishedState, Buffer][] = []
    for (const [state, { group, jobs }] of this.#finishing) {
      const key = finishedKey(state, at, group)
      batch.put(key, jobs.take())
      written.push([state, key])
    }
    this.#finishing.clear()
    return () => {
      for (const [state, key] of written) this.pruning.noteEntry(state, key)
    }
  }

  /**
   * Takes finished jobs of one state out of the index, and out of their chunks: they are about to be deleted, or to run again.
   * Returns how to put that into a group.
   */
  async unlist(
    state: FinishedState,
    jobs: readonly Pick<StoredJob, 'place' | 'head'>[],
  ): Promise<(batch: Batch) => void> {
    const entries = new Map<string, { key: Buffer; group: number; leaving: Set<number> }>()
    for (const { place, head } of jobs) {
      const { finishedAt = 0, group = 0 } = head
      const key = finishedKey(state, finishedAt, group)
      const name = key.toString('latin1')
      const entry = entries.get(name) ?? { key, group, leaving: new Set() }
      entries.set(name, entry)
      entry.leaving.add(place.seq)
    }
    this.pruning.forgetRead(state)
    const puts: ((batch: Batch) => void)[] = []
    for (const { key, group, leaving } of entries.values())
      puts.push(await this.#without(key, group, leaving))
    return (batch) => {
      for (const put of puts) put(batch)
    }
  }

  /** What is left of an index entry, and of the chunks that it lists, without the jobs of these seqs. */
  async #without(key: Buffer, group: number, leaving: ReadonlySet<number>): Promise<(batch: Batch) => void> {
    const listed = (await this.#db.get(key)) ?? Buffer.alloc(0)
    const rest = new JobList()
    const chunks: { key: Buffer; value: Buffer | undefined }[] = []
    for (const at of offsetsOf(listed)) {
      const { place, kind, count } = listedAt(listed, at)
      if (kind !== CHUNK_OF_JOBS) {
        if (!leaving.has(place.seq)) rest.copy(listed, at)
        continue
      }
      if (![...leaving].some((seq) => seq >= place.seq && seq - place.seq < SEQ_SPAN)) {
        rest.copy(listed, at)
        continue
      }
      const left = await this.#chunks.without(place, group, ({ seq }) => leaving.has(seq))
      if (left.rest.count > 0) rest.push(place, kind, left.rest)
      if (left.rest.count < count) chunks.push({ key: completedChunkKey(place, group), value: left.value })
    }
    return (batch) => {
      for (const chunk of chunks) batch.set(chunk.key, chunk.value)
      const jobs = rest.take()
      batch.set(key, jobs.length > 0 ? jobs : undefined)
    }
  }

  /** A completed job that is in a chunk. */
  getChunked(place: Place, snapshot: Snapshot): Promise<SizedJob | undefined> {
    return this.#chunks.get(place, snapshot)
  }

  /** Completed jobs that are in chunks, see `CompletedChunks.read`. */
  readChunked(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<SizedJob>> {
    return this.#chunks.read(lane, after, limit, snapshot)
  }
}
