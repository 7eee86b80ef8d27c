/**
 * The completed jobs that are stored as chunks: those of one chunk of the backlog that complete in one group stay together,
 * under the place of that chunk and the group's number. So they are found by their ids, and listed in their order.
 */
import type { Place, StoredJob } from '../../../job/job.js'
import type { Limit, Read } from '../format/bounded-read.js'
import { Chunk, LARGEST_RECORD, LEAST_JOBS, MOST_JOBS, SEQ_SPAN } from '../format/chunk.js'
import { comparePlaces, completedChunkKey, jobKey, placeOf, rangeOf } from '../format/keys.js'
import { decodeRecord, type Parts, recordOf, sizeOf } from '../format/record.js'
import type { Batch, Database, Snapshot } from '../group-commit.js'
import type { Amount } from './retention-entry.js'

/** A chunk that the group wrote, or a single job: it has no room in the chunk, or there are too few jobs for one. */
export interface Put {
  readonly place: Place
  readonly isChunk: boolean
  readonly amount: Amount
}

/** A job, and how many bytes its record takes. */
export interface SizedJob {
  readonly job: StoredJob
  readonly bytes: number
}

/** A chunk that is being filled, and jobs that belong before its last one, or for which it has no room. */
interface Gathered {
  readonly chunk: Chunk
  readonly late: Parts[]
}

const GROUP_BYTES = 6
/** Beside the inputs, of which a chunk of the backlog has 32 KiB at most, there is room for as much of outputs. */
const MOST_BYTES = 63 * 1024

export class CompletedChunks {
  readonly #db: Database
  /** What completes in the group that is being gathered, by the seq of its chunk of the backlog. */
  readonly #gathered = new Map<number, Gathered>()
  #latest: Gathered | undefined

  constructor(db: Database) {
    this.#db = db
  }

  /** Gathers a job of a chunk of the backlog, whose record is to have this size. `false`: it is too large. */
  add({ place, count }: Chunk, job: Parts, size: number): boolean {
    if (size > LARGEST_RECORD) return false
    let gathered = this.#latest
    if (gathered?.chunk.place.seq !== place.seq) {
      gathered = this.#gathered.get(place.seq)
      if (!gathered) {
        gathered = { chunk: Chunk.begin(place, count), late: [] }
        this.#gathered.set(place.seq, gathered)
      }
      this.#latest = gathered
    }
    const { chunk, late } = gathered
    // Those of one waybill complete in order.
    if (chunk.lastSeq < job.place.seq && chunk.fits(job.place, size, MOST_BYTES)) chunk.push(job, size)
    else late.push(job)
    return true
  }

  /** Puts what was gathered into the group. */
  seal(batch: Batch, group: number): Put[] {
    if (this.#gathered.size === 0) return []
    const put: Put[] = []
    const putAlone = (place: Place, record: Buffer) => {
      batch.put(jobKey('completed', place), record)
      put.push({ place, isChunk: false, amount: { count: 1, bytes: record.length } })
    }
    for (const gathered of this.#gathered.values()) {
      const { chunk, rest } =
        gathered.late.length === 0 ? { chunk: gathered.chunk, rest: [] } : merged(gathered)
      for (const job of rest) putAlone(job.place, recordOf(job, sizeOf(job)))
      if (chunk.count >= LEAST_JOBS) {
        batch.put(completedChunkKey(chunk.place, group), chunk.encode())
        put.push({ place: chunk.place, isChunk: true, amount: { count: chunk.count, bytes: chunk.size } })
      } else
        for (let index = 0; index < chunk.count; index++)
          putAlone(chunk.placeOf(index), chunk.bytes.subarray(chunk.startOf(index), chunk.endOf(index)))
    }
    this.#gathered.clear()
    this.#latest = undefined
    return put
  }

  /** What is left of a chunk when some leave it: how much, and what to put in its place. `leaves` is told each job's size in bytes. */
  async without(
    place: Place,
    group: number,
    leaves: (job: Place, size: number) => boolean,
  ): Promise<{ rest: Amount; value: Buffer | undefined }> {
    const value = await this.#db.get(completedChunkKey(place, group))
    if (!value) return { rest: { count: 0, bytes: 0 }, value: undefined }
    const chunk = Chunk.read(place, value, undefined)
    const rest = Chunk.begin(place)
    for (let index = 0; index < chunk.count; index++)
      if (!leaves(chunk.placeOf(index), chunk.endOf(index) - chunk.startOf(index))) rest.copy(chunk, index)
    return {
      rest: { count: rest.count, bytes: rest.size },
      value: rest.count > 0 ? rest.encode() : undefined,
    }
  }

  /** A job, if it is in a chunk. There may be several chunks with the key that its chunk has, of one group each. */
  async get(place: Place, snapshot: Snapshot): Promise<SizedJob | undefined> {
    if (!(await this.#hasAround(place, snapshot))) return undefined
    const chunks = this.#db.iterator({ ...rangeAround(place), reverse: true, snapshot })
    try {
      let first: Place | undefined
      for (;;) {
        const some = await chunks.nextv(4)
        if (some.length === 0) return undefined
        for (const [key, value] of some) {
          const own = placeOf(key.subarray(0, -GROUP_BYTES))
          first ??= own
          if (comparePlaces(own, first) !== 0) return undefined
          const chunk = Chunk.read(own, value, undefined)
          const index = chunk.indexOf(place.seq)
          if (index >= 0) return jobAt(chunk, index)
        }
      }
    } finally {
      await chunks.close()
    }
  }

  /** Jobs of a lane (or of all) after a place, in order. */
  async read(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<SizedJob>> {
    const prefix = completedChunkKey({ lane: lane ?? 0, priority: 0, seq: 0 }, 0)
    const whole = rangeOf(prefix.subarray(0, lane === undefined ? 1 : 5))
    const first = after && (await this.#keyAround(after, snapshot))
    const gte = first
      ? completedChunkKey(placeOf(first.subarray(0, -GROUP_BYTES)), 0)
      : after
        ? completedChunkKey(after, 0)
        : whole.gte
    const entries: SizedJob[] = []
    let bytes = 0
    // Of one chunk of the backlog there may be several: they are complete, and in order, when the next one begins.
    let open: { place: Place; jobs: SizedJob[] } | undefined
    const close = () => {
      for (const each of open?.jobs.sort((a, b) => a.job.place.seq - b.job.place.seq) ?? [])
        if (!after || comparePlaces(each.job.place, after) > 0) entries.push(each)
    }
    for await (const [key, value] of this.#db.iterator({ gte, lt: whole.lt, snapshot, fillCache: false })) {
      const place = placeOf(key.subarray(0, -GROUP_BYTES))
      if (!open || comparePlaces(open.place, place) !== 0) {
        close()
        open = { place, jobs: [] }
        if (entries.length >= limit.entries || bytes >= limit.bytes) return { entries, isLast: false }
      }
      const chunk = Chunk.read(place, value, undefined)
      for (let index = 0; index < chunk.count; index++) open.jobs.push(jobAt(chunk, index))
      bytes += value.length
    }
    close()
    return { entries, isLast: true }
  }

  /**
   * Whether a chunk may hold the job at `place`. A search backwards that finds none leaves the chunks, and walks over every version
   * of the keys before them that is still in memory: these are the counts, which each group writes.
   */
  async #hasAround(place: Place, snapshot: Snapshot): Promise<boolean> {
    const keys = await this.#db.keys({ ...rangeAround(place), limit: 1, snapshot }).all()
    return keys.length > 0
  }

  /** The key of the last chunk that may hold the job at `place`. */
  async #keyAround(place: Place, snapshot: Snapshot): Promise<Buffer | undefined> {
    if (!(await this.#hasAround(place, snapshot))) return undefined
    const [key] = await this.#db.keys({ ...rangeAround(place), reverse: true, limit: 1, snapshot }).all()
    return key
  }
}

/** Where the chunk that may hold the job at this place begins. */
function rangeAround({ lane, priority, seq }: Place): { gte: Buffer; lte: Buffer } {
  return {
    gte: completedChunkKey({ lane, priority, seq: Math.max(0, seq - SEQ_SPAN) }, 0),
    lte: completedChunkKey({ lane, priority, seq }, 2 ** 48 - 1),
  }
}

/** A chunk of all that was gathered, in order; and what it has no room for. */
function merged({ chunk, late }: Gathered): { chunk: Chunk; rest: Parts[] } {
  late.sort((a, b) => a.place.seq - b.place.seq)
  const whole = Chunk.begin(chunk.place, chunk.count + late.length)
  const rest: Parts[] = []
  let { count, size: bytes } = chunk
  let next = 0
  for (const job of late) {
    const size = sizeOf(job)
    // What is in the chunk already must have room too.
    if (count === MOST_JOBS || bytes + size > MOST_BYTES) {
      rest.push(job)
      continue
    }
    for (; next < chunk.count && chunk.seqOf(next) < job.place.seq; next++) whole.copy(chunk, next)
    whole.push(job, size)
    count++
    bytes += size
  }
  for (; next < chunk.count; next++) whole.copy(chunk, next)
  return { chunk: whole, rest }
}

function jobAt(chunk: Chunk, index: number): SizedJob {
  const start = chunk.startOf(index)
  const end = chunk.endOf(index)
  return { job: decodeRecord(chunk.placeOf(index), 'completed', chunk.bytes, start, end), bytes: end - start }
}
