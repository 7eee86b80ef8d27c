/** Damage beneath a closed queue: opening names it, and touches nothing. */
import assert from 'node:assert/strict'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileOf, flip, intactJobs, storedQueue } from '../../support/damage.js'
import { openQueue } from '../../support/queue.js'

const CURRENT = /^CURRENT$/
const MANIFEST = /^MANIFEST-/
const LOG = /\.log$/
const TABLE = /\.ldb$/

type Damage = (path: string) => Promise<void>
const remove: Damage = (path) => rm(path)
const empty: Damage = (path) => truncate(path, 0)
const shorten: Damage = async (path) => truncate(path, (await readFile(path)).length - 1)
const change: (at: number) => Damage = (at) => (path) =>
  flip(join(path, '..'), path.split('/').at(-1) ?? '', at)

const CASES: readonly [what: string, kind: RegExp, damage: Damage, message: RegExp][] = [
  ['a missing CURRENT', CURRENT, remove, /CURRENT is missing/],
  ['an empty CURRENT', CURRENT, empty, /CURRENT does not name a manifest/],
  ['a changed CURRENT', CURRENT, change(0.2), /CURRENT does not name a manifest/],
  ['a missing manifest', MANIFEST, remove, /MANIFEST-\d+ is missing/],
  ['an empty manifest', MANIFEST, empty, /MANIFEST-\d+ cannot be read/],
  ['a manifest with a changed beginning', MANIFEST, change(0.1), /MANIFEST-\d+ cannot be read/],
  ['a manifest with a changed end', MANIFEST, change(0.95), /MANIFEST-\d+ cannot be read/],
  ['a missing log', LOG, remove, /log \d+ is missing/],
  ['a changed log', LOG, change(0.1), /\.log has changed at byte \d+/],
  ['a missing table', TABLE, remove, /table \d+ is missing/],
  ['an empty table', TABLE, empty, /\.ldb has 0 bytes in place of \d+/],
  ['a table that is too short', TABLE, shorten, /\.ldb has \d+ bytes in place of \d+/],
  ['a missing marker', /^MILLRACE$/, remove, /MILLRACE is missing/],
]

/** The files that matter, with their bytes. */
async function contents(directory: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(directory)).filter((name) => !/^(LOG|LOG\.old|LOCK|OWNER)$/.test(name))
  return new Map(
    await Promise.all(
      names.sort().map(async (name) => [name, await readFile(join(directory, name))] as [string, Buffer]),
    ),
  )
}

for (const [what, kind, damage, message] of CASES)
  test(`${what} is named when the queue is opened, and opening changes nothing`, async (t) => {
    const { directory } = await storedQueue(t)
    await damage(join(directory, await fileOf(directory, kind)))
    const before = await contents(directory)
    await assert.rejects(openQueue(t, { directory }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'MILLRACE_CORRUPT', error.message)
      assert.match(error.message, message)
      assert.match(error.message, /JobQueue\.repair\(\)/)
      return true
    })
    assert.deepEqual(await contents(directory), before)
  })

test('a table that cannot be read is named when the queue is opened', async (t) => {
  const { directory } = await storedQueue(t)
  await flip(directory, await fileOf(directory, TABLE), 1)
  await assert.rejects(openQueue(t, { directory }), { code: 'MILLRACE_CORRUPT', message: /not an sstable/ })
})

test('whatever bit changes in the log, the manifest or CURRENT, no job is lost or invented in silence', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  const refused = { refused: 0, opened: 0 }
  for (const kind of [CURRENT, MANIFEST, LOG])
    for (let at = 0; at < 1; at += 0.05) {
      const before = await contents(directory)
      const name = await fileOf(directory, kind)
      await flip(directory, name, at)
      const jobs = await intactJobs(t, stored).catch((error: Error & { code?: string }) => {
        assert.equal(error.code, 'MILLRACE_CORRUPT', error.stack)
      })
      refused[jobs ? 'opened' : 'refused']++
      if (jobs) assert.equal(jobs.length, 65)
      for (const each of await contents(directory).then((files) => files.keys()))
        await rm(join(directory, each))
      for (const [each, bytes] of before) await writeFile(join(directory, each), bytes)
    }
  assert.ok(refused.refused > 40 && refused.opened > 0, JSON.stringify(refused))
})
