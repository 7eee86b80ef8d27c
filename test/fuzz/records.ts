/** Records, heads, chunks and notes: as they stand on disk, changed, half of them with a checksum that is right again. */
import { decode } from '../../src/codec/codec.js'
import { JOB_STATES, type Place, type StoredJob } from '../../src/job/job.js'
import { checksumOf } from '../../src/store/level/format/checksum.js'
import { Chunk } from '../../src/store/level/format/chunk.js'
import { decodeLeft } from '../../src/store/level/format/chunk-bitmap.js'
import { decodeNote, encodeNote, NOTE_KINDS } from '../../src/store/level/format/note.js'
import { decodeRecord, encodeRecord, partsOf, sizeOf } from '../../src/store/level/format/record.js'
import type { Chance } from '../support/chance.js'
import { Corpus } from './corpus.js'
import { refusal, shown, type Target, type Verdict } from './target.js'
import { encodedValues } from './values.js'

const PLACE: Place = { lane: 1, priority: -3, seq: 70_000 }
const END = { attempt: 2, startedAt: 1000, finishedAt: 2000, group: 7 }
const LOG = { lines: ['one', 'two'], dropped: 3 }
const FAILURE = { name: 'Error', message: 'no', attempt: 1, at: 5 }

export class Records implements Target {
  readonly batch = 1000
  last = ''
  readonly #corpora: Record<string, Corpus>

  constructor(seed: number) {
    const bodies = encodedValues(seed)
    this.#corpora = {
      record: new Corpus(bodies.flatMap(recordsWith)),
      chunk: new Corpus([chunkOf(bodies, 0), chunkOf(bodies, 40), chunkOf(bodies, 90)]),
      left: new Corpus([mended(Buffer.alloc(5, 1)), mended(Buffer.alloc(12, 0x5a))]),
      note: new Corpus([...bodies.map((body) => encodeNote(PLACE, body)), encodeNote(PLACE, LOG)]),
    }
  }

  try(chance: Chance): Verdict {
    const kinds = Object.entries(this.#corpora)
    const [kind, corpus] = kinds[chance.below(kinds.length)] as [string, Corpus]
    const bytes = corpus.mutated(chance)
    if (kind !== 'chunk' && chance.is(0.5)) mended(bytes)
    this.last = `a ${kind} of ${shown(bytes)}`
    const verdict = this.#read(kind, bytes, chance)
    corpus.learn(bytes, verdict)
    return verdict
  }

  async close(): Promise<void> {}

  #read(kind: string, bytes: Buffer, chance: Chance): Verdict {
    const state = JOB_STATES[chance.below(JOB_STATES.length)] ?? 'waiting'
    if (kind === 'record') return verdictOf(decodeRecord(PLACE, state, bytes))
    if (kind === 'note') {
      const noteKind = NOTE_KINDS[chance.below(NOTE_KINDS.length)] ?? 'log'
      return decodeNote(PLACE, noteKind, bytes) ? 'taken' : { refused: 'no note' }
    }
    try {
      if (kind === 'left') {
        decodeLeft(PLACE, bytes)
        return 'taken'
      }
      const chunk = Chunk.read(PLACE, bytes, undefined)
      for (let index = 0; index < chunk.count; index++) {
        if (chance.is(0.5)) mend(bytes, chunk.placeOf(index), chunk.startOf(index), chunk.endOf(index))
        const [start, end] = [chunk.startOf(index), chunk.endOf(index)]
        verdictOf(decodeRecord(chunk.placeOf(index), state, bytes, start, end))
      }
      return 'taken'
    } catch (error) {
      return refusal(error)
    }
  }
}

/** A job is whole, or it is known to be damaged; what it holds decodes, or is refused. */
function verdictOf(job: StoredJob): Verdict {
  const values = [job.body, job.input, job.head.meta, job.head.saved, job.head.progress]
  try {
    for (const bytes of values) if (bytes) decode(bytes)
  } catch (error) {
    const verdict = refusal(error)
    return job.head.damage ? { refused: job.head.damage.message } : verdict
  }
  return job.head.damage ? { refused: job.head.damage.message } : 'taken'
}

function recordsWith(body: Uint8Array): Buffer[] {
  const head = { key: 'k', attempts: 5, meta: body, log: LOG, failures: [FAILURE], backoff: 100 }
  return [
    encodeRecord(PLACE, 1000, undefined, body),
    encodeRecord(PLACE, 1000, head, body),
    encodeRecord(PLACE, 1000, head, body, END, body),
  ]
}

function chunkOf(bodies: readonly Uint8Array[], from: number): Buffer {
  const chunk = Chunk.begin(PLACE)
  for (const body of bodies.slice(from, from + 20)) {
    const place = { ...PLACE, seq: PLACE.seq + chunk.count }
    const parts = partsOf(place, 1000, { attempts: 2 }, body)
    if (chunk.fits(place, sizeOf(parts))) chunk.push(parts, sizeOf(parts))
  }
  return Buffer.from(chunk.encode())
}

function mended(bytes: Buffer): Buffer {
  return mend(bytes, PLACE, 0, bytes.length)
}

/** Writes the checksum that belongs to the bytes. */
export function mend(bytes: Buffer, place: Place, start: number, end: number): Buffer {
  if (end - start >= 4) bytes.writeUInt32BE(checksumOf(place, bytes, start + 4, end), start)
  return bytes
}
