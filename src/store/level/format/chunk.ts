/**
 * A chunk: the records of small jobs of one lane and priority that came in, or completed, together, under one key.
 *
 * ```
 *  record… { seq:2 end:2 }… count:2        seq: less the chunk's own, end: where the record ends
 * ```
 *
 * A chunk is written once. Which of its jobs have left it since is written beside it, a bit per job, and the last one to leave
 * takes it along. So a thousand jobs cost LevelDB a few entries, not thousands.
 */
import { DamagedError } from '../../../errors/errors.js'
import type { Place } from '../../../job/job.js'
import { isSet } from './chunk-bitmap.js'
import { type Parts, writeRecord } from './record.js'

/** Fewer are better off by themselves. */
export const LEAST_JOBS = 4
export const MOST_JOBS = 256
export const MOST_BYTES = 32 * 1024
/** A larger record is stored by itself. */
export const LARGEST_RECORD = 2 * 1024
/** How far apart a chunk's seqs may lie: its key is found no further back than this. */
export const SEQ_SPAN = 2 ** 16

const LISTED_BYTES = 4
/** How many an empty one has room for, unless more are expected: most often there is but one. */
const FIRST_JOBS = 8
/** What a job takes, about. */
const JOB_BYTES = 48

export class Chunk {
  /** The place of its first job, which is its key. */
  readonly place: Place
  /** How many of its jobs have not left it. */
  left = 0
  /** Too few to make a chunk: they are stored as single jobs. */
  isApart = false
  /** Whether it is on disk that some have left. */
  isMarked = false
  /** Bytes of jobs that had left before the chunk was read, per remaining job: the whole buffer stays in memory with them. */
  deadBytesPerJob = 0
  #bytes: Buffer
  #count = 0
  /** Of each job its seq, less the chunk's own, and where its record ends. */
  #seqs: Uint16Array
  #ends: Uint16Array
  #gone: Buffer | undefined

  private constructor(place: Place, jobs: number, bytes: Buffer) {
    this.place = place
    this.#seqs = new Uint16Array(jobs)
    this.#ends = new Uint16Array(jobs)
    this.#bytes = bytes
  }

  /** An empty one, to be filled from this job on. It grows if more jobs come than are expected. */
  static begin(place: Place, expected = FIRST_JOBS): Chunk {
    return new Chunk(place, expected, Buffer.allocUnsafeSlow(expected * JOB_BYTES))
  }

  /** One that was written, and which of its jobs have left it. @throws {DamagedError} it is none. */
  static read(place: Place, value: Buffer, gone: Buffer | undefined): Chunk {
    const count = value.length < 2 ? 0 : value.readUInt16BE(value.length - 2)
    const listAt = value.length - 2 - count * LISTED_BYTES
    if (count === 0 || listAt < 0) throw new DamagedError('it is no chunk of jobs')
    const chunk = new Chunk(place, count, value)
    for (let index = 0; index < count; index++) {
      chunk.#seqs[index] = value.readUInt16BE(listAt + index * LISTED_BYTES)
      chunk.#ends[index] = value.readUInt16BE(listAt + index * LISTED_BYTES + 2)
    }
    chunk.#count = chunk.left = count
    if (!chunk.#isOrdered(listAt)) throw new DamagedError('a chunk of jobs is out of order')
    if (gone) {
      chunk.learn(gone)
      chunk.deadBytesPerJob = Math.ceil((chunk.size * (count - chunk.left)) / count / Math.max(1, chunk.left))
    }
    return chunk
  }

  get count(): number {
    return this.#count
  }

  /** The records, each from `startOf` to `endOf` its index. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** How many bytes its records take. */
  get size(): number {
    return this.startOf(this.#count)
  }

  /** The seq of the job that was added last; -1 if there is none. */
  get lastSeq(): number {
    return this.#count === 0 ? -1 : this.seqOf(this.#count - 1)
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number)
  }

  endOf(index: number): number {
    return this.#ends[index] as number
  }

  seqOf(index: number): number {
    return this.place.seq + (this.#seqs[index] as number)
  }

  placeOf(index: number): Place {
    const { lane, priority } = this.place
    return { lane, priority, seq: this.seqOf(index) }
  }

  /** Whether a record of this size may join it, if its records may take `most` bytes in all: below 65,536. */
  fits({ seq }: Place, size: number, most = MOST_BYTES): boolean {
    return (
      this.#count < MOST_JOBS && this.startOf(this.#count) + size <= most && seq - this.place.seq < SEQ_SPAN
    )
  }

  /** Adds a job behind the others. Returns its index. */
  push(parts: Parts, size: number): number {
    const index = this.#count
    const start = this.startOf(index)
    if (start + size > this.#bytes.length) this.#grow(start, start + size)
    writeRecord(parts, this.#bytes, start, size)
    this.#add(parts.place.seq, start + size)
    return index
  }

  /** Adds a job of another chunk with the same place. */
  copy(from: Chunk, index: number): void {
    const start = this.startOf(this.#count)
    const size = from.endOf(index) - from.startOf(index)
    if (start + size > this.#bytes.length) this.#grow(start, start + size)
    from.bytes.copy(this.#bytes, start, from.startOf(index), from.endOf(index))
    this.#add(from.seqOf(index), start + size)
  }

  /** What is to be stored. */
  encode(): Buffer {
    const listAt = this.endOf(this.#count - 1)
    const size = listAt + this.#count * LISTED_BYTES + 2
    if (size > this.#bytes.length) this.#grow(listAt, size)
    for (let index = 0; index < this.#count; index++) {
      this.#bytes.writeUInt16BE(this.#seqs[index] as number, listAt + index * LISTED_BYTES)
      this.#bytes.writeUInt16BE(this.#ends[index] as number, listAt + index * LISTED_BYTES + 2)
    }
    this.#bytes.writeUInt16BE(this.#count, size - 2)
    return this.#bytes.subarray(0, size)
  }

  /** The index of the job with this seq; -1 if there is none. */
  indexOf(seq: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.seqOf(middle) < seq) low = middle + 1
      else high = middle
    }
    return low < this.#count && this.seqOf(low) === seq ? low : -1
  }

  has(index: number): boolean {
    return !this.#gone || !isSet(this.#gone, index)
  }

  /** A job leaves it. */
  leave(index: number): void {
    if (!this.has(index)) return
    this.#gone ??= Buffer.alloc((this.#count + 7) >> 3)
    this.#gone[index >> 3] = (this.#gone[index >> 3] as number) | (1 << (index & 7))
    this.left--
  }

  /** Marks the jobs that have left it, as the bitmap on disk says. */
  learn(gone: Buffer): void {
    this.isMarked = true
    for (let index = 0; index < this.#count; index++) if (isSet(gone, index)) this.leave(index)
  }

  /** Which have left, a bit per job. */
  get gone(): Buffer {
    return this.#gone ?? Buffer.alloc((this.#count + 7) >> 3)
  }

  #add(seq: number, end: number): void {
    if (this.#count === this.#seqs.length) {
      this.#seqs = doubled(this.#seqs)
      this.#ends = doubled(this.#ends)
    }
    this.#seqs[this.#count] = seq - this.place.seq
    this.#ends[this.#count] = end
    this.#count++
    this.left++
  }

  #grow(used: number, needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, used)
    this.#bytes = grown
  }

  #isOrdered(listAt: number): boolean {
    for (let index = 0; index < this.#count; index++) {
      if (this.endOf(index) <= this.startOf(index)) return false
      if (index > 0 && this.seqOf(index) <= this.seqOf(index - 1)) return false
    }
    return this.endOf(this.#count - 1) === listAt
  }
}

/** How many jobs were written into a chunk. */
export function jobsIn(value: Buffer): number {
  return value.readUInt16BE(value.length - 2)
}

/** The chunks that are being filled, one for each lane and priority. */
export class OpenChunks {
  readonly #open = new Map<number, Chunk>()
  #full: Chunk[] = []
  #last: Chunk | undefined
  /** How many jobs the first one had that was taken the last time. */
  #expected: number | undefined

  /** The chunk that a record of this size is to join; `undefined` if it is too large for one. */
  chunkFor(place: Place, size: number): Chunk | undefined {
    if (size > LARGEST_RECORD) return undefined
    const { lane, priority } = place
    const last = this.#last
    if (last && last.place.lane === lane && last.place.priority === priority && last.fits(place, size))
      return last
    const line = lane * 65_536 + priority
    const known = this.#open.get(line)
    if (known?.fits(place, size)) {
      this.#last = known
      return known
    }
    if (known) this.#full.push(known)
    this.#last = Chunk.begin(place, known?.count ?? this.#expected)
    this.#open.set(line, this.#last)
    return this.#last
  }

  /** All of them; from now on others are filled. */
  take(): Chunk[] {
    if (this.#open.size === 0) return []
    const taken = [...this.#full, ...this.#open.values()]
    this.#expected = taken[0]?.count
    this.#full = []
    this.#open.clear()
    this.#last = undefined
    return taken
  }
}

function doubled(numbers: Uint16Array): Uint16Array {
  const grown = new Uint16Array(2 * numbers.length)
  grown.set(numbers)
  return grown
}
