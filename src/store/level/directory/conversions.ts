/**
 * Brings a directory that an earlier version wrote to this version's format, when it is opened.
 *
 * ```
 *  format 1 ──CONVERSIONS[1]──▶ format 2 ──CONVERSIONS[2]──▶ … ──▶ FORMAT
 * ```
 *
 * **Where a change of keys or records goes.** Raise `FORMAT` in `../format/keys.ts` by one, and give the format that was until now
 * an entry here. Put a directory that the code before your change has written below `test/fixtures/directories/`, as the comment
 * there says. If this version reads what is there as it is (a record has got a new part that may be missing), the entry is `AS_IS`:
 * then only older versions, which would not know the new part, refuse the directory.
 *
 * A conversion may be interrupted at any moment, and is begun again by the next opening. So it must leave alone what it has
 * converted already. The new format is noted when all is converted. A conversion that cannot bring the derived entries along (counts,
 * indexes, keys) says `rebuilds`: they are rebuilt from the jobs, after the last conversion. Its code does not call what encodes or
 * decodes the newest records: that changes with the next format.
 */
import { FormatError } from '../../../errors/directory-errors.js'
import { BatchedWrites } from '../batched-writes.js'
import { checked, isChecked } from '../format/checked.js'
import { checksumOf } from '../format/checksum.js'
import { FORMAT, FORMAT_KEY, placeOf, rangeOf } from '../format/keys.js'
import type { Database } from '../group-commit.js'
import { flagRebuild } from './crash-cleanup.js'

interface Conversion {
  convert(db: Database): Promise<void>
  readonly rebuilds: boolean
}

/** What was written before can be read as it is. */
const AS_IS: Conversion = { convert: async () => {}, rebuilds: false }

/** The conversion of each earlier format to the one after it. */
const CONVERSIONS: ReadonlyMap<number, Conversion> = new Map([
  [1, { convert: addChecksums, rebuilds: true }],
  // Format 3 has the notes of jobs in transit, and inputs in records of completed jobs.
  [2, AS_IS],
  [3, { convert: addBookChecksums, rebuilds: true }],
])

/** @throws {FormatError} it has a format that this version does not know. */
export async function convert(db: Database, directory: string): Promise<void> {
  const stored = await db.get(FORMAT_KEY)
  if (stored === undefined) return writeFormat(db, FORMAT)
  const found = stored.length === 1 ? stored[0] : undefined
  if (found === undefined || found > FORMAT) throw new FormatError(directory, found ?? 'unknown', FORMAT)
  for (let format = found; format < FORMAT; format++) {
    const conversion = CONVERSIONS.get(format)
    if (!conversion) throw new FormatError(directory, found, FORMAT)
    if (conversion.rebuilds) await flagRebuild(directory)
    await conversion.convert(db)
    await writeFormat(db, format + 1)
  }
}

function writeFormat(db: Database, format: number): Promise<void> {
  return db.put(FORMAT_KEY, Buffer.of(format), { sync: true })
}

/** Format 2 has a checksum before each record: of the job's place and the record. */
async function addChecksums(db: Database): Promise<void> {
  const writes = new BatchedWrites(db)
  for (const prefix of ['b', 'd', 'c', 'f', 'a'])
    for await (const [key, record] of db.iterator(rangeOf(prefix))) {
      const place = placeOf(key)
      // It has one already: an earlier opening was interrupted here.
      if (record.length > 4 && record.readUInt32BE(0) === checksumOf(place, record, 4, record.length))
        continue
      const converted = Buffer.alloc(4 + record.length)
      record.copy(converted, 4)
      converted.writeUInt32BE(checksumOf(place, converted, 4, converted.length), 0)
      await writes.put(key, converted)
    }
  await writes.flush()
}

/**
 * Format 4 has a checksum before the name of each lane, and before the last number that was given out. It also has checksums before
 * counts, counts the bytes of jobs, and has their sizes in the retention index: these are rebuilt.
 */
async function addBookChecksums(db: Database): Promise<void> {
  const writes = new BatchedWrites(db)
  for (const prefix of ['ml', 'ms'])
    for await (const [key, value] of db.iterator(rangeOf(prefix)))
      if (!isChecked(key, value)) await writes.put(key, checked(key, value))
  await writes.flush()
}
