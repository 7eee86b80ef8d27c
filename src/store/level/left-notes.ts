/** The notes that an earlier process has left, of the jobs that were in transit when it ended. See `backlog/job-notes.ts`. */
import type { Head, Place } from '../../job/job.js'
import { rangeOf } from './format/keys.js'
import { decodeNote, NOTE, NOTE_KINDS, noteKey, placeOfNote } from './format/note.js'
import { damagedHead } from './format/record.js'
import type { Batch, Database } from './group-commit.js'

export class LeftNotes {
  readonly #db: Database
  /** The places of the jobs that have notes, by seq. */
  readonly #places: Map<number, Place>

  static async find(db: Database): Promise<LeftNotes> {
    const places = new Map<number, Place>()
    for await (const key of db.keys(rangeOf(NOTE))) {
      const place = placeOfNote(key)
      places.set(place.seq, place)
    }
    return new LeftNotes(db, places)
  }

  private constructor(db: Database, places: Map<number, Place>) {
    this.#db = db
    this.#places = places
  }

  /** The jobs whose notes have not been taken. */
  get places(): readonly Place[] {
    return [...this.#places.values()]
  }

  /** What belongs into the head of a job: its notes, or that they are damaged; nothing, if there are none. */
  async read(place: Place): Promise<Partial<Head>> {
    if (!this.#places.has(place.seq)) return {}
    const values = await this.#db.getMany(NOTE_KINDS.map((kind) => noteKey(place, kind)))
    let head: Partial<Head> = {}
    for (const [index, kind] of NOTE_KINDS.entries()) {
      const value = values[index]
      const note = value && decodeNote(place, kind, value)
      if (value && !note) return damagedHead()
      head = { ...head, ...note }
    }
    return head
  }

  /** Deletes the notes of a job. */
  take(batch: Batch, place: Place): void {
    if (!this.#places.delete(place.seq)) return
    for (const kind of NOTE_KINDS) batch.del(noteKey(place, kind))
  }
}
