/** When a backup becomes a queue: only after all that is in it is on disk. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type Event, record, whyNot } from './recording.js'

const BACK_UP = new URL('./back-up.js', import.meta.url)

test('a backup gets its marker when all its files and their names are on disk, and is told when the marker is', {
  skip: (await whyNot()) ?? false,
}, async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'millrace-power-'))
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const { events } = await record(home, BACK_UP, [])
  const marked = events.findIndex((event) => namesMade(event).includes('copy/MILLRACE'))
  const said = events.findIndex(({ what }) => what === 'said')
  assert.ok(marked > 0 && said > marked)
  const isSynced = (directory: string, from: number, to: number) =>
    events.slice(from, to).some((event) => event.what === 'syncdir' && event.name === directory)
  assert.ok(isSynced('copy', marked, said), 'the name of the marker is on disk')

  const before = events.slice(0, marked)
  const lastName = before.findLastIndex((event) => namesMade(event).some((name) => matters(name)))
  assert.ok(isSynced('copy', lastName, marked), 'the names of the files are on disk')
  const lengths = new Map<number, { name: string; flushed: number; synced: number }>()
  for (const event of before) {
    if (event.what !== 'create' && event.what !== 'flush' && event.what !== 'sync') continue
    const known = lengths.get(event.file) ?? { name: event.name, flushed: 0, synced: 0 }
    known.flushed = Math.max(known.flushed, event.length)
    if (event.what === 'sync') known.synced = event.length
    lengths.set(event.file, known)
  }
  const deleted = new Set(before.flatMap((event) => (event.what === 'unlink' ? [event.name] : [])))
  const copied = [...lengths.values()].filter(({ name }) => matters(name) && !deleted.has(name))
  const logs = copied.filter(({ name }) => name.endsWith('.log'))
  assert.equal(logs.length, 2, 'LevelDB has gone on to a new log, and the old one counts')
  for (const { name, flushed, synced } of copied) assert.equal(synced, flushed, name)
})

/** LevelDB's account of its work, and its lock, say nothing of jobs. */
function matters(name: string): boolean {
  return name.startsWith('copy/') && !/^(LOG|LOCK|MILLRACE.*|\d+\.dbtmp)$/.test(basename(name))
}

function namesMade(event: Event): string[] {
  if (event.what === 'create') return [event.name]
  return event.what === 'rename' ? [event.to] : []
}
