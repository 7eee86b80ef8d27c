/**
 * Idempotency keys: a job whose key is taken is not added again.
 *
 * Requests are answered in rounds, one look-up for many that came meanwhile. What a round adds is remembered until it is
 * written, so that the next round need not wait for the disk.
 */
import type { Place } from '../../job/job.js'
import type { Added, NewJob } from '../store.js'
import { nameKey, readPlace } from './format/keys.js'
import type { Database } from './group-commit.js'

interface Request {
  readonly jobs: readonly NewJob[]
  /** When they were enqueued. */
  readonly at: number
  readonly resolve: (places: Promise<Added[]>) => void
  readonly reject: (error: unknown) => void
}

/** How many requests are answered in one turn of the event loop. */
const ROUND = 500

export class IdempotencyKeys {
  readonly #db: Database
  readonly #add: (jobs: readonly NewJob[], at: number) => Promise<Place[]>
  readonly #unwritten = new Map<string, Promise<Place>>()
  readonly #requests: Request[] = []
  #answering: Promise<void> | undefined

  constructor(db: Database, add: (jobs: readonly NewJob[], at: number) => Promise<Place[]>) {
    this.#db = db
    this.#add = add
  }

  add(jobs: readonly NewJob[], at = Date.now()): Promise<Added[]> {
    const places = new Promise<Added[]>((resolve, reject) => {
      this.#requests.push({ jobs, at, resolve, reject })
    })
    this.#answering ??= this.#answer()
    return places
  }

  /** The place of the job that has this key. */
  async find(lane: number, key: string): Promise<Place | undefined> {
    const name = nameKey(lane, key)
    const unwritten = await this.#unwritten.get(name.toString('latin1'))
    if (unwritten) return unwritten
    const place = await this.#db.get(name)
    return place && readPlace(place, 0)
  }

  /** Fulfilled when every request that came so far is answered, or on its way to the disk. */
  async quiet(): Promise<void> {
    await this.#answering
  }

  async #answer(): Promise<void> {
    while (this.#requests.length > 0) {
      const round = this.#requests.splice(0, ROUND)
      try {
        const taken = await this.#lookUp(round.flatMap(({ jobs }) => jobs))
        for (const { jobs, at, resolve } of round) resolve(this.#addMissing(jobs, at, taken))
      } catch (error) {
        for (const { reject } of round) reject(error)
      }
    }
    this.#answering = undefined
  }

  /** The places of the keys that are taken. */
  async #lookUp(jobs: readonly NewJob[]): Promise<Map<string, Promise<Place>>> {
    const keys = jobs.flatMap(({ lane, head }) => (head?.key === undefined ? [] : [nameKey(lane, head.key)]))
    const names = keys.map((key) => key.toString('latin1'))
    const taken = new Map<string, Promise<Place>>()
    // A key may be written, and so forgotten here, while the disk is being read: what is unwritten now counts.
    for (const name of names) {
      const place = this.#unwritten.get(name)
      if (place) taken.set(name, place)
    }
    const found = await this.#db.getMany(keys)
    names.forEach((name, index) => {
      const place = found[index]
      if (place) taken.set(name, Promise.resolve(readPlace(place, 0)))
    })
    return taken
  }

  #addMissing(jobs: readonly NewJob[], at: number, taken: Map<string, Promise<Place>>): Promise<Added[]> {
    const missing: NewJob[] = []
    const names: string[] = []
    const answers: (Promise<Added> | number)[] = jobs.map((job) => {
      const key = job.head?.key
      if (key === undefined) return missing.push(job) - 1
      const name = nameKey(job.lane, key).toString('latin1')
      const place = taken.get(name)
      if (place) return place.then((known) => ({ ...known, existed: true }))
      const index = missing.push(job) - 1
      names.push(name)
      const added = (): Promise<Place> => written.then((places) => places[index] as Place)
      const promise = Promise.resolve().then(added)
      promise.catch(() => {})
      taken.set(name, promise)
      this.#unwritten.set(name, promise)
      return index
    })
    const written = missing.length > 0 ? this.#add(missing, at) : Promise.resolve([])
    const forget = () => {
      for (const name of names) this.#unwritten.delete(name)
    }
    written.then(forget, forget)
    return written.then((places) =>
      Promise.all(answers.map((answer) => (typeof answer === 'number' ? (places[answer] as Place) : answer))),
    )
  }
}
