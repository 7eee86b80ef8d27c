/** Reads a closed queue's directory key by key, and says what in it contradicts `src/store/level/format/keys.ts`. */
import { Level } from 'level'
import type { FinishedState, Place, StoredJob } from '../../src/job/job.js'
import { formatId } from '../../src/job/job-id.js'
import { wasInDoubt, waybillOffsets } from '../../src/store/level/backlog/job-entry.js'
import { decodeLast } from '../../src/store/level/counters.js'
import {
  CHUNK_OF_JOBS,
  listedAt,
  NAMED_JOB,
  offsetsOf,
} from '../../src/store/level/finished/retention-entry.js'
import { checkedValue } from '../../src/store/level/format/checked.js'
import { Chunk } from '../../src/store/level/format/chunk.js'
import { decodeLeft } from '../../src/store/level/format/chunk-bitmap.js'
import {
  BYTES_KEY,
  chunkKey,
  completedChunkKey,
  dueKey,
  finishedKey,
  groupOf,
  LAST_KEY,
  laneOf,
  nameKey,
  placeOf,
  readPlace,
} from '../../src/store/level/format/keys.js'
import { NOTE, placeOfNote } from '../../src/store/level/format/note.js'
import { decodeRecord } from '../../src/store/level/format/record.js'

/** The jobs of one claim that have no outcome yet, as far as the directory knows. */
export type Transit = { readonly id: string; readonly attempt: number; readonly isAhead: boolean }[]

export interface Inspected {
  /** By id. A job in transit is `waiting`, as it is stored. */
  readonly jobs: Map<string, StoredJob>
  readonly transit: Transit[]
  /** In words; none, if all is well. */
  readonly problems: string[]
}

const STATE_OF = { b: 'waiting', d: 'delayed', c: 'completed', f: 'failed', a: 'cancelled' } as const
type JobPrefix = keyof typeof STATE_OF
const COUNTED = ['waiting', 'delayed', 'completed', 'failed', 'cancelled'] as const

export async function inspect(directory: string): Promise<Inspected> {
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const entries = new Map<string, Buffer>()
  try {
    for await (const [key, value] of db.iterator()) entries.set(key.toString('latin1'), value)
  } finally {
    await db.close()
  }
  return new Inspection(entries).result()
}

class Inspection {
  readonly #entries: ReadonlyMap<string, Buffer>
  readonly #jobs = new Map<string, StoredJob>()
  /** How many bytes each job's record takes. */
  readonly #sizes = new Map<string, number>()
  readonly #transit: Transit[] = []
  readonly #problems: string[] = []

  constructor(entries: ReadonlyMap<string, Buffer>) {
    this.#entries = entries
  }

  result(): Inspected {
    for (const [key, value] of this.#each('bdcfa'))
      this.#readJob(placeOf(key), STATE_OF[String.fromCharCode(key[0] ?? 0) as JobPrefix], value)
    for (const [key, value] of this.#each('go')) this.#readChunk(key, value)
    for (const [key] of this.#each('h'))
      if (!this.#has(chunkKey('g', placeOf(key))))
        this.#problems.push('jobs have left a chunk that is not there')
    for (const [, value] of this.#each('x')) this.#readWaybill(value)
    this.#checkNotes()
    this.#checkDue()
    this.#checkNames()
    this.#checkRetention()
    this.#checkCounts()
    for (const [key] of this.#entries)
      if (!'bdcfaghoxtekmn'.includes(key[0] ?? '')) this.#problems.push(`unknown key ${JSON.stringify(key)}`)
    return { jobs: this.#jobs, transit: this.#transit, problems: this.#problems }
  }

  *#each(prefixes: string): Generator<[Buffer, Buffer]> {
    for (const [key, value] of this.#entries)
      if (prefixes.includes(key[0] ?? '')) yield [Buffer.from(key, 'latin1'), value]
  }

  #has(key: Buffer): boolean {
    return this.#entries.has(key.toString('latin1'))
  }

  #readChunk(key: Buffer, value: Buffer): void {
    const isCompleted = key[0] === 0x6f // o
    const place = readPlace(key, 1)
    const left = isCompleted ? undefined : this.#entries.get(chunkKey('h', place).toString('latin1'))
    const chunk = Chunk.read(place, value, left && decodeLeft(place, left))
    if (chunk.left === 0) this.#problems.push('a chunk has no job left')
    for (let index = 0; index < chunk.count; index++)
      if (chunk.has(index))
        this.#readJob(
          chunk.placeOf(index),
          isCompleted ? 'completed' : 'waiting',
          chunk.bytes.subarray(chunk.startOf(index), chunk.endOf(index)),
        )
  }

  #readJob(place: Place, state: (typeof STATE_OF)[JobPrefix], record: Buffer): void {
    const id = formatId(place)
    const other = this.#jobs.get(id)
    if (other) this.#problems.push(`${id} is ${other.state} and ${state}`)
    this.#jobs.set(id, decodeRecord(place, state, record))
    this.#sizes.set(id, record.length)
  }

  #readWaybill(value: Buffer): void {
    const transit: Transit = []
    for (const at of waybillOffsets(value)) {
      const id = formatId(readPlace(value, at))
      const attempt = value.readUInt16BE(at + 12)
      const job = this.#jobs.get(id)
      if (job?.state === 'waiting' && (job.head.attempt ?? 0) + 1 === attempt)
        transit.push({ id, attempt, isAhead: wasInDoubt(value) })
    }
    if (transit.length > 0) this.#transit.push(transit)
    else this.#problems.push('a waybill has no job left in transit')
  }

  #checkNotes(): void {
    const running = new Set(this.#transit.flat().map(({ id }) => id))
    for (const [key] of this.#each(NOTE)) {
      const id = formatId(placeOfNote(key))
      if (!running.has(id)) this.#problems.push(`there are notes of ${id}, which is not in transit`)
    }
  }

  #checkDue(): void {
    let due = 0
    for (const [key] of this.#each('t')) {
      due++
      const job = this.#jobs.get(formatId(placeOf(key)))
      if (job?.state !== 'delayed' || !key.equals(dueKey(job.head.runAt ?? 0, job.place)))
        this.#problems.push(`a due key without its delayed job ${formatId(placeOf(key))}`)
    }
    const delayed = this.#count(({ state }) => state === 'delayed')
    if (due !== delayed) this.#problems.push(`${delayed} delayed jobs, ${due} due keys`)
  }

  #checkNames(): void {
    let names = 0
    for (const [key, value] of this.#each('k')) {
      names++
      const job = this.#jobs.get(formatId(readPlace(value, 0)))
      if (job?.head.key === undefined || !nameKey(job.place.lane, job.head.key).equals(key))
        this.#problems.push(`a job's key without its job: ${key.subarray(5).toString()}`)
    }
    const named = this.#count(({ head }) => head.key !== undefined)
    if (names !== named) this.#problems.push(`${named} jobs with keys, ${names} keys of jobs`)
  }

  #checkRetention(): void {
    const listed = new Set<string>()
    for (const [key, value] of this.#each('e')) {
      for (const { id, kind, bytes } of this.#listedIn(key, value)) {
        const job = this.#jobs.get(id)
        if (listed.has(id)) this.#problems.push(`${id} stands twice in the retention index`)
        listed.add(id)
        if (!job || !isFinished(job))
          this.#problems.push(`the retention index lists ${id}, which is not finished`)
        else {
          const own = finishedKey(job.state, job.head.finishedAt ?? 0, job.head.group ?? 0)
          if (!own.equals(key)) this.#problems.push(`${id} does not name its entry of the retention index`)
          if (bytes !== undefined && bytes !== this.#sizes.get(id))
            this.#problems.push(`the retention index is wrong about the size of ${id}`)
          if ((kind === NAMED_JOB) !== (job.head.key !== undefined))
            this.#problems.push(`the retention index is wrong about the key of ${id}`)
        }
      }
    }
    const finished = this.#count(isFinished)
    if (listed.size !== finished)
      this.#problems.push(`${finished} finished jobs, ${listed.size} in the retention index`)
  }

  *#listedIn(key: Buffer, value: Buffer): Generator<{ id: string; kind: number; bytes?: number }> {
    for (const at of offsetsOf(value)) {
      const { place, kind, count, bytes } = listedAt(value, at)
      if (kind !== CHUNK_OF_JOBS) {
        yield { id: formatId(place), kind, bytes }
        continue
      }
      const stored = this.#entries.get(completedChunkKey(place, groupOf(key)).toString('latin1'))
      const chunk = stored && Chunk.read(place, stored, undefined)
      if (chunk?.count !== count || chunk.size !== bytes)
        this.#problems.push(
          `a chunk is listed with ${count} jobs of ${bytes} bytes, and has ${chunk?.count} of ${chunk?.size}`,
        )
      for (let index = 0; index < (chunk?.count ?? 0); index++)
        yield { id: formatId(chunk?.placeOf(index) ?? place), kind }
    }
  }

  #checkCounts(): void {
    const counts = new Map<number, number[]>()
    for (const [key, value] of this.#each('m'))
      if (key[1] === 0x63 /* c */)
        counts.set(
          laneOf(key),
          COUNTED.map((_state, index) => checkedValue(key, value).readUIntBE(index * 6, 6)),
        )
    const found = new Map([...counts.keys()].map((lane) => [lane, COUNTED.map(() => 0)]))
    let last = 0
    for (const { place, state } of this.#jobs.values()) {
      last = Math.max(last, place.seq)
      const own = found.get(place.lane) ?? COUNTED.map(() => 0)
      found.set(place.lane, own)
      const index = (COUNTED as readonly string[]).indexOf(state)
      own[index] = (own[index] ?? 0) + 1
    }
    for (const [lane, own] of found)
      if (String(own) !== String(counts.get(lane)))
        this.#problems.push(
          `lane ${lane} has ${own} jobs by state (${COUNTED}), its counts say ${counts.get(lane)}`,
        )
    const bytes = COUNTED.map(() => 0)
    for (const [id, { state }] of this.#jobs) {
      const index = (COUNTED as readonly string[]).indexOf(state)
      bytes[index] = (bytes[index] ?? 0) + (this.#sizes.get(id) ?? 0)
    }
    const stored = this.#entries.get(BYTES_KEY.toString('latin1'))
    const value = stored && checkedValue(BYTES_KEY, stored)
    const told = COUNTED.map((_state, index) => value?.readUIntBE(index * 6, 6) ?? 0)
    if (String(told) !== String(bytes))
      this.#problems.push(`the jobs take ${bytes} bytes by state (${COUNTED}), and are said to take ${told}`)
    const lastGiven = this.#entries.get(LAST_KEY.toString('latin1'))
    const given = lastGiven ? decodeLast(lastGiven) : 0
    if (last > given) this.#problems.push(`number ${last} is in use, ${given} was the last one given out`)
  }

  #count(which: (job: StoredJob) => boolean): number {
    let count = 0
    for (const job of this.#jobs.values()) if (which(job)) count++
    return count
  }
}

function isFinished(job: StoredJob): job is StoredJob & { state: FinishedState } {
  return job.state === 'completed' || job.state === 'failed' || job.state === 'cancelled'
}
