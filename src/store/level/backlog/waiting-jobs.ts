/**
 * The waiting jobs on disk: small ones that come in together as chunks, the others one by one.
 *
 * At most one object in memory stands for a chunk that jobs are leaving. It knows which jobs have left, and each group writes
 * that as the chunk's bitmap. The object stays while one of its jobs is in memory or its bitmap is being written. `holding`
 * keeps it longer, while a read may still return the older bitmap. Reads that change nothing need no `holding`.
 */
import type { Head, Place } from '../../../job/job.js'
import { type Limit, type Read, readEntries } from '../format/bounded-read.js'
import { Chunk, LEAST_JOBS, MOST_JOBS, OpenChunks, SEQ_SPAN } from '../format/chunk.js'
import { decodeLeft, encodeLeft, isSet } from '../format/chunk-bitmap.js'
import { CHUNK, chunkKey, comparePlaces, jobKey, LEFT, laneRange, placeOf, rangeOf } from '../format/keys.js'
import { partsOf, recordOf, sizeOf } from '../format/record.js'
import type { Batch, Database, Snapshot } from '../group-commit.js'
import { JobEntry } from './job-entry.js'

/** A chunk, and who had left it when the disk was read: in memory that may be ahead. */
interface Seen {
  readonly chunk: Chunk
  readonly left: Buffer | undefined
}

export class WaitingJobs {
  readonly #db: Database
  readonly #open = new OpenChunks()
  readonly #known = new Map<number, WeakRef<Chunk>>()
  readonly #collected = new FinalizationRegistry<number>((seq) => {
    if (!this.#known.get(seq)?.deref()) this.#known.delete(seq)
  })
  /** The chunks that jobs have left since the last group. */
  #changed = new Set<Chunk>()
  readonly #kept = new Set<Chunk>()
  #holders = 0

  constructor(db: Database) {
    this.#db = db
  }

  /** Adds a new job to the group. */
  add(
    batch: Batch,
    place: Place,
    enqueuedAt: number,
    head: Readonly<Head> | undefined,
    input: Uint8Array,
  ): JobEntry {
    const parts = partsOf(place, enqueuedAt, head, input)
    const size = sizeOf(parts)
    const chunk = this.#open.chunkFor(place, size)
    if (chunk) return JobEntry.inChunk(place, chunk, chunk.push(parts, size))
    return this.put(batch, place, recordOf(parts, size))
  }

  /** Puts a job that has a history into the group. */
  put(batch: Batch, place: Place, record: Buffer): JobEntry {
    batch.put(jobKey('waiting', place), record)
    return JobEntry.single(place, record)
  }

  /** Takes a job out. */
  delete(batch: Batch, { place, chunk, index }: JobEntry): void {
    if (!chunk || chunk.isApart) {
      batch.del(jobKey('waiting', place))
      return
    }
    chunk.leave(index)
    this.#changed.add(chunk)
  }

  /**
   * Whether the group takes jobs out of chunks. Such a group must be on disk before the next one, which rewrites the bitmap or
   * deletes the chunk. If a power cut lost only this group, the jobs and their outcomes would both be gone.
   */
  get takesFromChunks(): boolean {
    return this.#changed.size > 0
  }

  /** Puts into a group what its jobs make of the chunks. Returns what to do once it is written. */
  seal(batch: Batch): (() => void) | undefined {
    for (const chunk of this.#open.take()) this.#putNew(batch, chunk)
    if (this.#changed.size === 0) return undefined
    const written = this.#changed
    this.#changed = new Set()
    for (const chunk of written) {
      if (chunk.left > 0) {
        batch.put(chunkKey(LEFT, chunk.place), encodeLeft(chunk.place, chunk.gone))
        chunk.isMarked = true
      } else {
        batch.del(chunkKey(CHUNK, chunk.place))
        if (chunk.isMarked) batch.del(chunkKey(LEFT, chunk.place))
      }
    }
    return () => {
      // A read that began before this was written may yet come to these chunks, and must find them as they are now.
      if (this.#holders > 0) for (const chunk of written) this.#kept.add(chunk)
      written.clear()
    }
  }

  /** Keeps what changes meanwhile in memory: until `work` is done, what it reads may be older. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    this.#holders++
    try {
      return await work()
    } finally {
      if (--this.#holders === 0) this.#kept.clear()
    }
  }

  /** The waiting jobs at these places. To change one, be `holding`. */
  async get(places: readonly Place[], snapshot?: Snapshot): Promise<(JobEntry | undefined)[]> {
    const options = snapshot ? { snapshot } : {}
    const records = await this.#db.getMany(
      places.map((place) => jobKey('waiting', place)),
      options,
    )
    const found: (JobEntry | undefined)[] = records.map(
      (record, index) => record && JobEntry.single(places[index] as Place, record).verified(),
    )
    let seen: Seen | undefined
    for (const [index, place] of places.entries()) {
      if (found[index]) continue
      if (!seen || !isWithin(seen.chunk, place)) seen = await this.#chunkAround(place, snapshot)
      found[index] = seen && entryAt(seen, seen.chunk.indexOf(place.seq))
    }
    return found
  }

  /** Jobs of a lane (or of all) after a place, in order, as of the moment of the call. To change one, be `holding`. */
  async read(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    given?: Snapshot,
  ): Promise<Read<JobEntry>> {
    const snapshot = given ?? this.#db.snapshot()
    try {
      const [singles, chunked] = await Promise.all([
        this.#readSingles(lane, after, limit, snapshot),
        this.#readChunks(lane, after, limit, snapshot),
      ])
      return merged(singles, chunked)
    } finally {
      if (!given) await snapshot.close()
    }
  }

  async #readSingles(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<JobEntry>> {
    const { lt, gte } = lane === undefined ? rangeOf('b') : laneRange(lane)
    const range = after ? { gt: jobKey('waiting', after), lt } : { gte, lt }
    const { entries, isLast } = await readEntries(this.#db, range, limit, snapshot)
    return {
      entries: entries.map(([key, record]) => JobEntry.single(placeOf(key), record).verified()),
      isLast,
    }
  }

  async #readChunks(
    lane: number | undefined,
    after: Place | undefined,
    limit: Limit,
    snapshot: Snapshot,
  ): Promise<Read<JobEntry>> {
    const whole = rangeOf(
      lane === undefined ? CHUNK : chunkKey(CHUNK, { lane, priority: 0, seq: 0 }).subarray(0, 5),
    )
    const first = after && (await this.#keyAround(after, snapshot))
    const gte = first ?? (after ? chunkKey(CHUNK, after) : whole.gte)
    const chunks = this.#db.iterator({
      gte,
      lt: whole.lt,
      snapshot,
      fillCache: false,
      highWaterMarkBytes: 1 << 20,
    })
    const entries: JobEntry[] = []
    let bytes = 0
    try {
      while (entries.length < limit.entries && bytes < limit.bytes) {
        // A page of a list must not cost a read of thousands of jobs.
        const some = await chunks.nextv(limit.entries > MOST_JOBS ? 8 : 1)
        if (some.length === 0) return { entries, isLast: true }
        const left = await this.#db.getMany(
          some.map(([key]) => chunkKey(LEFT, placeOf(key))),
          { snapshot },
        )
        some.forEach(([key, value], at) => {
          const seen = this.#see(placeOf(key), value, left[at])
          for (let index = 0; index < seen.chunk.count; index++) {
            if (after && comparePlaces(seen.chunk.placeOf(index), after) <= 0) continue
            const entry = entryAt(seen, index)
            if (!entry) continue
            entries.push(entry)
            bytes += entry.bytes
          }
        })
      }
      return { entries, isLast: false }
    } finally {
      await chunks.close()
    }
  }

  /** The chunk in whose range a place is, if there is one. */
  async #chunkAround(place: Place, snapshot: Snapshot | undefined): Promise<Seen | undefined> {
    const key = await this.#keyAround(place, snapshot)
    if (!key) return undefined
    const first = placeOf(key)
    const options = snapshot ? { snapshot } : {}
    const [value, left] = await this.#db.getMany([key, chunkKey(LEFT, first)], options)
    return value && this.#see(first, value, left)
  }

  /** A place's chunk begins no further before it than a chunk's seqs may lie apart. */
  async #keyAround(place: Place, snapshot: Snapshot | undefined): Promise<Buffer | undefined> {
    const { lane, priority, seq } = place
    const gte = chunkKey(CHUNK, { lane, priority, seq: Math.max(0, seq - SEQ_SPAN) })
    const range = { gte, lte: chunkKey(CHUNK, place), reverse: true, limit: 1 }
    const [key] = await this.#db.keys(snapshot ? { ...range, snapshot } : range).all()
    return key
  }

  #see(place: Place, value: Buffer, stored: Buffer | undefined): Seen {
    const left = stored && decodeLeft(place, stored)
    const known = this.#known.get(place.seq)?.deref()
    if (known) {
      if (left) known.learn(left)
      return { chunk: known, left }
    }
    const chunk = Chunk.read(place, value, left)
    this.#know(chunk)
    return { chunk, left }
  }

  #know(chunk: Chunk): void {
    this.#known.set(chunk.place.seq, new WeakRef(chunk))
    this.#collected.register(chunk, chunk.place.seq)
  }

  #putNew(batch: Batch, chunk: Chunk): void {
    if (chunk.count >= LEAST_JOBS) {
      batch.put(chunkKey(CHUNK, chunk.place), chunk.encode())
      this.#know(chunk)
      return
    }
    chunk.isApart = true
    for (let index = 0; index < chunk.count; index++)
      batch.put(
        jobKey('waiting', chunk.placeOf(index)),
        chunk.bytes.subarray(chunk.startOf(index), chunk.endOf(index)),
      )
  }
}

function isWithin(chunk: Chunk, { lane, priority, seq }: Place): boolean {
  const { place } = chunk
  return place.lane === lane && place.priority === priority && chunk.indexOf(seq) >= 0
}

function entryAt({ chunk, left }: Seen, index: number): JobEntry | undefined {
  if (index < 0 || (left && isSet(left, index))) return undefined
  return JobEntry.inChunk(chunk.placeOf(index), chunk, index).verified()
}

/** Both in one order, as far as both have been read. */
function merged(a: Read<JobEntry>, b: Read<JobEntry>): Read<JobEntry> {
  const all = [...a.entries, ...b.entries].sort((one, other) => comparePlaces(one.place, other.place))
  const ends = [a, b].flatMap(({ entries, isLast }) => (isLast ? [] : [(entries.at(-1) as JobEntry).place]))
  const [end] = ends.sort(comparePlaces)
  return end
    ? { entries: all.filter(({ place }) => comparePlaces(place, end) <= 0), isLast: false }
    : { entries: all, isLast: true }
}
