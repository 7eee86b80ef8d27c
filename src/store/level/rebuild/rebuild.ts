/**
 * Rebuilds what is derived from the jobs: the counts, the retention index, the index of delayed jobs, the idempotency keys,
 * the last number given out. Needed where writes are missing: what is left of the jobs is right, sums of them are not.
 *
 * A job that comes back under two states is kept in one. One that completed stays so; else one that waits, since running once
 * more is allowed and not running is not. Jobs that were in chunks are stored one by one. Memory does not grow with the number of
 * jobs, save for that of lanes.
 */
import type { Place } from '../../../job/job.js'
import { type Counts, decodeLast } from '../counters.js'
import { isChecked } from '../format/checked.js'
import { Chunk } from '../format/chunk.js'
import { decodeLeft, isSet } from '../format/chunk-bitmap.js'
import {
  BYTES_KEY,
  CHUNK,
  CLOSING_KEY,
  COMPLETED_CHUNK,
  chunkKey,
  DELETIONS_KEY,
  FORMAT_KEY,
  ID_BYTES,
  jobKey,
  LAST_KEY,
  LEFT,
  PREFIX,
  placeOf,
  rangeOf,
  readPlace,
  SYNCED_KEY,
  waybillOf,
} from '../format/keys.js'
import { NOTE } from '../format/note.js'
import { isIntact } from '../format/record.js'
import type { Database } from '../group-commit.js'
import { Books, type Found } from './books.js'

export interface Rebuilt {
  readonly counts: Counts
  /** Records that could not be read, and were deleted. */
  readonly dropped: number
}

/** In the order in which a state is preferred. */
const STATES = ['completed', 'waiting', 'delayed', 'failed', 'cancelled'] as const
const JOB_KEY_BYTES = 1 + ID_BYTES
const AT_ONCE = 1000
/** What each key is long: of a job and what belongs to it by its first letter, of the rest by two. */
const KEY_BYTES: Readonly<Record<string, number>> = {
  ...Object.fromEntries([...'bdcfagh'].map((prefix) => [prefix, JOB_KEY_BYTES])),
  o: JOB_KEY_BYTES + 6,
  [NOTE]: JOB_KEY_BYTES + 1,
  x: 7,
  ml: 6,
  [FORMAT_KEY.toString()]: 2,
  [LAST_KEY.toString()]: 2,
  [BYTES_KEY.toString()]: 2,
  [DELETIONS_KEY.toString()]: 2,
  [CLOSING_KEY.toString()]: 2,
  [SYNCED_KEY.toString()]: 2,
}

export async function rebuild(db: Database): Promise<Rebuilt> {
  let dropped = 0
  for (const prefix of ['t', 'e', 'k', 'mc']) await db.clear(rangeOf(prefix))
  dropped += await deleteStrangers(db)
  dropped += await deleteDamagedLanes(db)
  dropped += await dissolveChunks(db)
  const books = new Books(await lastOf(db))
  let batch = db.batch()
  for await (const found of jobsOf(db)) {
    const readable = found.filter(isReadable)
    dropped += found.length - readable.length
    const [kept] = readable
    for (const job of found) if (job !== kept) batch.del(job.key)
    if (kept) books.enter(kept, batch)
    if (batch.length < AT_ONCE) continue
    await batch.write()
    await books.writeIndex(db)
    batch = db.batch()
  }
  await batch.write()
  await books.writeIndex(db)
  await books.write(db)
  return { counts: books.total, dropped }
}

/** Deletes entries whose keys cannot be millrace's. Returns how many. */
async function deleteStrangers(db: Database): Promise<number> {
  let deleted = 0
  for await (const key of db.keys()) {
    const text = key.toString('latin1', 0, 2)
    if (key.length === (KEY_BYTES[text] ?? KEY_BYTES[text.slice(0, 1)])) continue
    await db.del(key)
    deleted++
  }
  return deleted
}

/** Deletes the names of lanes that are not as they were written. Returns how many. */
async function deleteDamagedLanes(db: Database): Promise<number> {
  let deleted = 0
  for await (const [key, stored] of db.iterator(rangeOf('ml'))) {
    if (isChecked(key, stored)) continue
    await db.del(key)
    deleted++
  }
  return deleted
}

/** Stores the jobs of chunks one by one. Returns how many chunks and bitmaps could not be read. */
async function dissolveChunks(db: Database): Promise<number> {
  let dropped = 0
  for (const [prefix, state] of [
    [CHUNK, 'waiting'],
    [COMPLETED_CHUNK, 'completed'],
  ] as const) {
    for await (const [key, value] of db.iterator(rangeOf(prefix))) {
      const place = readPlace(key, 1)
      const stored = prefix === CHUNK ? await db.get(chunkKey(LEFT, place)) : undefined
      const batch = db.batch().del(key)
      try {
        const chunk = Chunk.read(place, value, undefined)
        const left = stored && readableLeft(place, stored)
        if (stored && !left) dropped++
        for (let index = 0; index < chunk.count; index++)
          if (!left || !isSet(left, index))
            batch.put(
              jobKey(state, chunk.placeOf(index)),
              chunk.bytes.subarray(chunk.startOf(index), chunk.endOf(index)),
            )
      } catch {
        dropped++
      }
      await batch.write()
    }
  }
  await db.clear(rangeOf(LEFT))
  return dropped
}

/** Of a note that cannot be read nothing is believed: a job that runs once more is better than one that is lost. */
function readableLeft(place: Place, stored: Buffer): Buffer | undefined {
  try {
    return decodeLeft(place, stored)
  } catch {
    return undefined
  }
}

/** The last number that is known to be given out. */
async function lastOf(db: Database): Promise<number> {
  const [waybill] = await db.keys({ ...rangeOf('x'), reverse: true, limit: 1 }).all()
  const stored = await db.get(LAST_KEY)
  const last = stored && isChecked(LAST_KEY, stored) ? decodeLast(stored) : 0
  return Math.max(waybill ? waybillOf(waybill) : 0, last)
}

/** Every stored job, in the order of the ids; all that is under one id at once, the preferred state first. */
async function* jobsOf(db: Database): AsyncGenerator<Found[]> {
  const sources = STATES.map((state) => ({
    state,
    jobs: db.iterator(rangeOf(PREFIX[state]))[Symbol.asyncIterator](),
  }))
  const heads = await Promise.all(sources.map(({ jobs }) => jobs.next()))
  for (;;) {
    const ids = heads.flatMap(({ done, value }) => (done ? [] : [value[0].subarray(1)]))
    const first = ids.reduce((a, b) => (a.compare(b) <= 0 ? a : b), ids[0] ?? Buffer.alloc(0))
    if (ids.length === 0) return
    const found: Found[] = []
    for (const [index, { state, jobs }] of sources.entries()) {
      const head = heads[index]
      if (!head || head.done || !head.value[0].subarray(1).equals(first)) continue
      found.push({ state, key: head.value[0], record: head.value[1] })
      heads[index] = await jobs.next()
    }
    yield found
  }
}

function isReadable({ key, record }: Found): boolean {
  return isIntact(placeOf(key), record)
}
