/**
 * What a job in transit has noted of itself, as bytes: `checksum:4 note`, each kind under a key of its own. A checkpoint and
 * progress are encoded values, a log is CBOR.
 */
import { decode, encode } from '../../../codec/codec.js'
import type { Place } from '../../../job/job.js'
import { isJobLog, type JobLog, type Notes } from '../../../job/notes.js'
import { checksumOf } from './checksum.js'
import { ID_BYTES, type Key, readPlace, writePlace } from './keys.js'

export type NoteKind = keyof Notes

/** The prefix of the keys, and the last byte of each kind's: the letter c, p or l. */
export const NOTE = 'n'
const BYTE_OF = { saved: 0x63, progress: 0x70, log: 0x6c } as const satisfies Record<NoteKind, number>
export const NOTE_KINDS = Object.keys(BYTE_OF) as NoteKind[]

const CHECKSUM_BYTES = 4

export function noteKey(place: Place, kind: NoteKind): Key {
  const key = Buffer.allocUnsafe(2 + ID_BYTES)
  key[0] = NOTE.charCodeAt(0)
  key[1 + ID_BYTES] = BYTE_OF[kind]
  return writePlace(key, place, 1)
}

export function placeOfNote(key: Key): Place {
  return readPlace(key, 1)
}

export function encodeNote(place: Place, note: Uint8Array | JobLog): Buffer {
  const bytes = note instanceof Uint8Array ? note : encode(note, 'log')
  const value = Buffer.allocUnsafe(CHECKSUM_BYTES + bytes.byteLength)
  value.set(bytes, CHECKSUM_BYTES)
  value.writeUInt32BE(checksumOf(place, value, CHECKSUM_BYTES, value.length), 0)
  return value
}

/** The note; `undefined` if it is not as it was written. */
export function decodeNote(place: Place, kind: NoteKind, value: Buffer): Notes | undefined {
  if (value.length < CHECKSUM_BYTES) return undefined
  if (value.readUInt32BE(0) !== checksumOf(place, value, CHECKSUM_BYTES, value.length)) return undefined
  const bytes = value.subarray(CHECKSUM_BYTES)
  if (kind !== 'log') return { [kind]: bytes }
  const log = decodeLog(bytes)
  return log && { log }
}

/** The checksum may be right, and the bytes none that a job's log is encoded as. */
function decodeLog(bytes: Buffer): JobLog | undefined {
  try {
    const log = decode(bytes)
    return isJobLog(log) ? log : undefined
  } catch {
    return undefined
  }
}
