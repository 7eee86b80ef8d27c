/** What `rebuild` gathers on its way through the jobs: counts, and the entries of the indexes. */
import type { Place } from '../../../job/job.js'
import {
  type CountedState,
  type Counts,
  encodeCounts,
  encodeLane,
  encodeLast,
  noCounts,
} from '../counters.js'
import { JOB, JobList, NAMED_JOB } from '../finished/retention-entry.js'
import {
  BYTES_KEY,
  countsKey,
  dueKey,
  dueValue,
  FORMAT,
  FORMAT_KEY,
  finishedKey,
  LAST_KEY,
  laneKey,
  laneOf,
  nameKey,
  placeOf,
  rangeOf,
} from '../format/keys.js'
import { headOf } from '../format/record.js'
import type { Database } from '../group-commit.js'

/** A stored job. */
export interface Found {
  readonly state: CountedState
  readonly key: Buffer
  readonly record: Buffer
}

export class Books {
  readonly total = noCounts()
  readonly #lanes = new Map<number, Counts>()
  readonly #bytes = noCounts()
  /** Entries of the retention index that are not written yet. */
  readonly #index = new Map<string, JobList>()
  #last: number

  constructor(last: number) {
    this.#last = last
  }

  enter({ state, key, record }: Found, batch: ReturnType<Database['batch']>): void {
    const place = placeOf(key)
    const head = headOf(record)
    const counts = this.#lanes.get(place.lane) ?? noCounts()
    counts[state]++
    this.total[state]++
    this.#bytes[state] += record.length
    this.#lanes.set(place.lane, counts)
    this.#last = Math.max(this.#last, place.seq, head.group ?? 0)
    if (state === 'delayed') batch.put(dueKey(head.runAt ?? 0, place), dueValue(record.length))
    else if (state !== 'waiting')
      this.#list(
        finishedKey(state, head.finishedAt ?? 0, head.group ?? 0),
        place,
        head.key === undefined ? JOB : NAMED_JOB,
        record.length,
      )
    if (head.key !== undefined) batch.put(nameKey(place.lane, head.key), key.subarray(1))
  }

  #list(entry: Buffer, place: Place, kind: number, bytes: number): void {
    const name = entry.toString('latin1')
    const jobs = this.#index.get(name) ?? new JobList()
    jobs.push(place, kind, { count: 1, bytes })
    this.#index.set(name, jobs)
  }

  /** Jobs that finished together may lie far apart: an entry may be there already. */
  async writeIndex(db: Database): Promise<void> {
    const entries = [...this.#index].map(([name, jobs]) => ({ key: Buffer.from(name, 'latin1'), jobs }))
    this.#index.clear()
    const earlier = await db.getMany(entries.map(({ key }) => key))
    const batch = db.batch()
    entries.forEach(({ key, jobs }, index) => {
      batch.put(key, Buffer.concat([earlier[index] ?? Buffer.alloc(0), jobs.take()]))
    })
    await batch.write()
  }

  async write(db: Database): Promise<void> {
    const names = new Set<number>()
    for await (const key of db.keys(rangeOf('ml'))) names.add(laneOf(key))
    const batch = db.batch()
    const lanes = Math.max(-1, ...names, ...this.#lanes.keys()) + 1
    // Lanes are numbered without a hole.
    for (let lane = 0; lane < lanes; lane++)
      if (!names.has(lane)) batch.put(laneKey(lane), encodeLane(lane, `lost-${lane}`))
    for (const [lane, counts] of this.#lanes) {
      const key = countsKey(lane)
      batch.put(key, encodeCounts(key, counts))
    }
    batch.put(BYTES_KEY, encodeCounts(BYTES_KEY, this.#bytes))
    batch.put(LAST_KEY, encodeLast(this.#last))
    batch.put(FORMAT_KEY, Buffer.of(FORMAT))
    await batch.write({ sync: true })
  }
}
