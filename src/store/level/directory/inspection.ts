/**
 * What is looked at before LevelDB opens a directory. LevelDB itself passes over damage to its log in silence, with the jobs
 * that stood there; and makes a new database where it finds none, over the remains of the old one.
 *
 * After a power cut the end of a log may be torn: bytes that were never fsynced are missing, or zeros, or garbage, with whole
 * records behind them even. Nothing of that was promised; it is cut off at the first record that is not whole, so that what is
 * left is the state of one moment. Damage *before* an fsynced group is another thing: bytes that were on disk have changed.
 * A group that asks for an fsync carries a mark. Only a group written after it proves that the fsync happened.
 *
 * LevelDB goes on to a new log without syncing the old one. So the end of the old one may be missing, and acknowledged jobs
 * stand in the new one nevertheless. Each record says how many changes there were before it, so that such a gap shows; then all is
 * kept, and what millrace derives from the jobs (their counts above all) must be rebuilt.
 *
 * A directory that was closed has a note of how long its logs were: there nothing is taken for torn.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CorruptError } from '../../../errors/directory-errors.js'
import { readRegular } from '../../../files/regular-file.js'
import { SYNCED_KEY } from '../format/keys.js'
import { hasEndAt, hasPieceAt, hasRecordAfter, recordsOf } from '../leveldb/log-file.js'
import { type Manifest, readManifest } from '../leveldb/manifest.js'
import { notedLengths } from './clean-shutdown.js'

/** What has to be done before the directory is opened. */
export interface Findings {
  /** Files to be cut to a length. */
  readonly cuts: readonly { readonly name: string; readonly length: number }[]
  /** It was never completely made and holds nothing: CURRENT is to be deleted, and LevelDB makes a new one. */
  readonly isUnmade: boolean
  /** Changes are missing between two logs: what is derived from the jobs must be rebuilt. */
  readonly hasGap: boolean
  /** The tables that count, the oldest first. What stands in them was not looked at. */
  readonly tables: readonly string[]
}

interface Log {
  readonly name: string
  readonly length: number
  /** Where its whole records end. */
  readonly end: number
  /** The number of its first change, and of the one that comes after its last; `undefined` if it has none. */
  readonly changes: { readonly first: number; readonly next: number } | undefined
  /** It has a group that was to be fsynced. */
  readonly isMarked: boolean
  /** Such a group stands behind a damaged place, at the very end: if a newer log has records, it was on disk. */
  readonly isSuspect: boolean
}

const CHANGE_HEADER = 12
/** How a group ends that was fsynced: put (1), the key's length, the key, no value. */
const SYNCED_END = Buffer.concat([Buffer.of(1, SYNCED_KEY.length), SYNCED_KEY, Buffer.of(0)])
/**
 * A log of which not even the name has reached the disk: nothing in it was fsynced. Then the log before it is still there too,
 * since that was deleted later.
 */
const UNNAMED: Log = { name: '', length: 0, end: 0, changes: undefined, isMarked: false, isSuspect: false }
/** The first manifest is the only one that LevelDB does not sync before it counts. */
const FIRST_MANIFEST = 'MANIFEST-000001'
const NOTHING: Findings = { cuts: [], isUnmade: false, hasGap: false, tables: [] }

/** Looks at the files of these names, and changes nothing. @throws {CorruptError} what was on disk has changed or is gone. */
export async function inspect(directory: string, names: readonly string[]): Promise<Findings> {
  const corrupt = (what: string) => new CorruptError(directory, what)
  const isEmpty = async () => !(await holdsData(directory, names))
  if (!names.includes('CURRENT')) {
    if (await isEmpty()) return NOTHING
    throw corrupt('its file CURRENT is missing')
  }
  const current = /^(MANIFEST-\d+)\n$/.exec(String(await readRegular(join(directory, 'CURRENT'))))?.[1]
  if (current === undefined) throw corrupt('its file CURRENT does not name a manifest')
  const bytes = names.includes(current) ? await readRegular(join(directory, current)) : undefined
  const { manifest, end } = manifestOf(bytes ?? Buffer.alloc(0))
  if (!manifest && current === FIRST_MANIFEST && (await isEmpty())) return { ...NOTHING, isUnmade: true }
  if (!bytes) throw corrupt(`its file ${current} is missing`)
  // Each record is synced before another one is begun.
  if (!manifest || hasRecordAfter(bytes, end)) throw corrupt(`its file ${current} cannot be read`)
  const tables = await findTables(directory, names, manifest, corrupt)
  const { cuts, hasGap } = await inspectLogs(directory, names, manifest, corrupt)
  return {
    cuts: end < bytes.length ? [{ name: current, length: end }, ...cuts] : cuts,
    isUnmade: false,
    hasGap,
    tables,
  }
}

/** Whether there are files that jobs may be in. */
async function holdsData(directory: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (numberOf(name, 'ldb') !== undefined) return true
    if (numberOf(name, 'log') !== undefined && (await stat(join(directory, name))).size > 0) return true
  }
  return false
}

function manifestOf(bytes: Buffer): { manifest: Manifest | undefined; end: number } {
  const edits: Buffer[] = []
  const records = recordsOf(bytes)
  let next = records.next()
  for (; !next.done; next = records.next()) edits.push(next.value.payload)
  return { manifest: readManifest(edits), end: next.value }
}

async function findTables(
  directory: string,
  names: readonly string[],
  { tables }: Manifest,
  corrupt: (what: string) => Error,
): Promise<string[]> {
  const found: string[] = []
  const files = new Map(names.map((name) => [numberOf(name, 'ldb') ?? numberOf(name, 'sst'), name]))
  for (const [number, size] of tables) {
    const name = files.get(number)
    if (name === undefined) throw corrupt(`its table ${number} is missing`)
    const length = (await stat(join(directory, name))).size
    if (length !== size) throw corrupt(`its file ${name} has ${length} bytes in place of ${size}`)
    found.push(name)
  }
  return found.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

async function inspectLogs(
  directory: string,
  names: readonly string[],
  { log: oldest }: Manifest,
  corrupt: (what: string) => Error,
): Promise<Pick<Findings, 'cuts' | 'hasGap'>> {
  const numbered = names.flatMap((name) => {
    const number = numberOf(name, 'log')
    return number === undefined ? [] : [{ name, number }]
  })
  numbered.sort((a, b) => a.number - b.number)
  const needed = numbered.filter(({ number }) => number >= oldest)
  const logs: Log[] = []
  if (oldest > 0 && needed[0]?.number !== oldest) {
    if (needed.length === numbered.length) throw corrupt(`its log ${oldest} is missing`)
    logs.push(UNNAMED)
  }
  const noted = await notedLengths(directory)
  for (const name of noted.keys()) {
    const number = numberOf(name, 'log') ?? 0
    if (number >= oldest && !names.includes(name)) throw corrupt(`its log ${number} is missing`)
  }
  for (const { name } of needed) {
    const log = await inspectLog(directory, name, corrupt)
    const least = noted.get(name) ?? 0
    if (log.length < least) throw corrupt(`its file ${name} has ${log.length} bytes in place of ${least}`)
    if (log.end < least) throw corrupt(changedAt(name, log.end))
    logs.push(log)
  }

  logs.forEach(({ name, end, isSuspect }, index) => {
    if (isSuspect && logs.slice(index + 1).some(({ changes }) => changes)) throw corrupt(changedAt(name, end))
  })
  const cuts = logs.filter(({ end, length }) => end < length).map(({ name, end }) => ({ name, length: end }))
  const gap = logs.findIndex(
    ({ changes }, index) => index > 0 && changes && changes.first !== logs[index - 1]?.changes?.next,
  )
  const behind = gap === -1 ? [] : logs.slice(gap)
  if (behind.some(({ isMarked }) => isMarked)) return { cuts, hasGap: true }
  // Nothing behind the gap was promised: without that, what is left is the state of one moment.
  for (const { name } of behind) cuts.push({ name, length: 0 })
  return { cuts, hasGap: false }
}

async function inspectLog(directory: string, name: string, corrupt: (what: string) => Error): Promise<Log> {
  const bytes = await readRegular(join(directory, name))
  const records = recordsOf(bytes)
  let changes: { first: number; next: number } | undefined
  let isMarked = false
  let next = records.next()
  for (; !next.done; next = records.next()) {
    const { payload } = next.value
    const first = payload.length < CHANGE_HEADER ? -1 : Number(payload.readBigUInt64LE(0))
    if (first === -1 || (changes && first !== changes.next))
      throw corrupt(`its file ${name} has a wrong record at byte ${next.value.offset}`)
    changes = { first: changes?.first ?? first, next: first + payload.readUInt32LE(8) }
    isMarked ||= payload.subarray(-SYNCED_END.length).equals(SYNCED_END)
  }
  const end = next.value
  const marked = markedEnds(bytes, end)
  const [first] = marked
  if (marked.length > 1 || (first !== undefined && hasPieceAt(bytes, first)))
    throw corrupt(changedAt(name, end))
  return { name, length: bytes.length, end, changes, isMarked, isSuspect: marked.length === 1 }
}

function changedAt(name: string, offset: number): string {
  return `its file ${name} has changed at byte ${offset} or behind it`
}

/** Where groups end, behind a damaged place, that were to be fsynced. */
function markedEnds(bytes: Buffer, damage: number): number[] {
  const ends: number[] = []
  for (let at = bytes.indexOf(SYNCED_END, damage); at !== -1; at = bytes.indexOf(SYNCED_END, at + 1))
    if (hasEndAt(bytes, at + SYNCED_END.length, damage)) ends.push(at + SYNCED_END.length)
  return ends
}

/** The number in the name of a file of this kind. */
function numberOf(name: string, extension: string): number | undefined {
  const digits = new RegExp(`^(\\d+)\\.${extension}$`).exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
