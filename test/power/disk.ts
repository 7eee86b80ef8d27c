/**
 * The directory that a disk may show after a power cut at some moment of a recording.
 *
 * What it must have kept: of each file the bytes that were synced, under the name that the file had when it was synced; of
 * the names' changes (made, renamed, deleted) all up to the last sync of the directory. What it may have kept beside that,
 * and what is chosen here at random:
 *
 * - of the later changes of names, a first part: file systems with a journal keep their order;
 * - of the bytes that were handed to the system and not synced, a first part; behind it nothing, or up to the length that
 *   the file had zeros, garbage, or pages of which some were written and others not.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Chance } from '../support/chance.js'
import { copyFirst, type Event, type Recording } from './recording.js'

const PAGE = 512
/** Files whose content says nothing about jobs. */
/** What changes the names. */
const NAMING = new Set(['create', 'rename', 'unlink'])
const IGNORED = new Set(['LOG', 'LOG.old', 'LOCK', 'OWNER'])

interface Kept {
  synced: number
  flushed: number
}

type Tail = 'cut' | 'zeros' | 'garbage' | 'pages'
export const TAILS: readonly Tail[] = ['cut', 'zeros', 'garbage', 'pages']

/** Makes `directory` as a disk may have kept it when the power went after the first `cut` events. */
export async function diskAfter(
  recording: Recording,
  cut: number,
  chance: Chance,
  directory: string,
): Promise<void> {
  const events = recording.events.slice(0, cut)
  const lengths = lengthsOf(events)
  await mkdir(directory, { mode: 0o700 })
  for (const [name, file] of namesAfter(events, chance)) {
    const path = join(directory, basename(name))
    const { synced, flushed } = lengths.get(file) ?? { synced: 0, flushed: 0 }
    if (synced === flushed) await copyFirst(recording, file, synced, path)
    else await writeFile(path, tornTail(await recording.bytes(file, flushed), synced, chance))
  }
}

function lengthsOf(events: readonly Event[]): Map<number, Kept> {
  const lengths = new Map<number, Kept>()
  for (const event of events) {
    if (event.what !== 'create' && event.what !== 'flush' && event.what !== 'sync') continue
    const kept = lengths.get(event.file) ?? { synced: 0, flushed: 0 }
    kept.flushed = Math.max(kept.flushed, event.length)
    if (event.what === 'sync') kept.synced = Math.max(kept.synced, event.length)
    lengths.set(event.file, kept)
  }
  return lengths
}

/** The files by name: the changes that must have been kept, a first part of the others, and each file synced since. */
function namesAfter(events: readonly Event[], chance: Chance): Map<string, number> {
  const certain = events.findLastIndex(({ what }) => what === 'syncdir') + 1
  const changes = events.slice(certain).filter(({ what }) => NAMING.has(what)).length
  let kept = chance.below(changes + 1)
  const names = new Map<string, number>()
  /** As the process saw them. */
  const seen = new Map<string, number>()
  const synced = new Map<number, string>()
  events.forEach((event, index) => {
    change(seen, event)
    if (index < certain || (NAMING.has(event.what) && kept-- > 0)) change(names, event)
    else if (event.what === 'sync')
      for (const [name, file] of seen) if (file === event.file) synced.set(file, name)
  })
  const present = new Set(names.values())
  for (const [file, name] of synced) if (!present.has(file) && !names.has(name)) names.set(name, file)
  for (const name of names.keys()) if (IGNORED.has(basename(name))) names.delete(name)
  return names
}

function change(names: Map<string, number>, event: Event): void {
  if (event.what === 'create') names.set(event.name, event.file)
  else if (event.what === 'unlink') names.delete(event.name)
  else if (event.what === 'rename') {
    const file = names.get(event.from)
    names.delete(event.from)
    if (file !== undefined) names.set(event.to, file)
  }
}

/** A file of which only the first `synced` bytes are certain. */
export function tornTail(bytes: Buffer, synced: number, chance: Chance): Buffer {
  const end = synced + chance.below(bytes.length - synced + 1)
  const tail = TAILS[chance.below(TAILS.length)] as Tail
  const torn = Buffer.from(bytes)
  if (tail === 'cut') return torn.subarray(0, end)
  if (tail === 'zeros') return torn.fill(0, end)
  if (tail === 'garbage') for (let at = end; at < torn.length; at++) torn[at] = chance.below(256)
  if (tail === 'pages')
    for (let at = synced; at < torn.length; at = (Math.floor(at / PAGE) + 1) * PAGE)
      if (chance.below(2) === 0) torn.fill(0, at, Math.min(torn.length, (Math.floor(at / PAGE) + 1) * PAGE))
  return torn
}
