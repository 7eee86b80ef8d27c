/** Damage beneath a closed queue: opening names it, and touches nothing. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Level } from 'level'
import { fileOf, flip, intactJobs, storedQueue } from '../../../support/damage.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { openQueue } from '../../../support/queue.js'

const CURRENT = /^CURRENT$/
const MANIFEST = /^MANIFEST-/
const LOG = /\.log$/
const TABLE = /\.ldb$/

type Damage = (path: string) => Promise<void>
const remove: Damage = (path) => rm(path)
const empty: Damage = (path) => truncate(path, 0)
const shorten: Damage = async (path) => truncate(path, (await readFile(path)).length - 1)
const halve: Damage = async (path) => truncate(path, Math.floor((await readFile(path)).length / 2))
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
  ['a log with a changed end', LOG, change(1), /\.log has changed at byte \d+/],
  ['an empty log', LOG, empty, /\.log has 0 bytes in place of \d+/],
  ['a log that is too short', LOG, shorten, /\.log has \d+ bytes in place of \d+/],
  ['half a log', LOG, halve, /\.log has \d+ bytes in place of \d+/],
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

for (const durability of ['disk', 'process'] as const)
  test(`durability ${durability}: wherever the log of a closed queue is cut or changed, that is named`, async (t) => {
    const directory = await temporaryDirectory(t)
    const queue = await openQueue(t, { directory, durability })
    for (let n = 0; n < 5; n++) await (await queue.enqueue('echo', n)).finished()
    await queue.close()
    const log = join(directory, await fileOf(directory, LOG))
    const bytes = await readFile(log)
    for (let at = 0; at < 1; at += 0.04) {
      const index = Math.floor(at * bytes.length)
      const changed = Buffer.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ 1
      for (const damaged of [bytes.subarray(0, index), changed]) {
        await writeFile(log, damaged)
        await assert.rejects(openQueue(t, { directory }), { code: 'MILLRACE_CORRUPT', message: /\.log has / })
      }
    }
    await writeFile(log, bytes)
    const again = await openQueue(t, { directory, maxWorkers: 0 })
    assert.equal(again.counts().completed, 5)
  })

test('files that say nothing of jobs may be missing, and what they have noted may be torn', async (t) => {
  const stored = await storedQueue(t)
  const { directory } = stored
  for (const name of ['LOG', 'LOG.old', 'LOCK', 'OWNER', 'CLOSED']) {
    await rm(join(directory, name), { force: true })
    assert.equal((await intactJobs(t, stored)).length, 65)
  }
  const notes = [
    '',
    '0000',
    '12',
    '000001.log 99999999999\n',
    'garbage\n',
    '999999.log 12x4\n',
    '999999.log 5',
  ]
  for (const name of ['OWNER', 'CLOSED'])
    for (const note of notes) {
      await writeFile(join(directory, name), note)
      assert.equal((await intactJobs(t, stored)).length, 65)
    }
})

test('whatever bit of a table changes, it is named when the queue is opened, and opening changes nothing', async (t) => {
  const { directory } = await storedQueue(t)
  const name = await fileOf(directory, TABLE)
  const bytes = await readFile(join(directory, name))
  // The footer names two blocks in a few bytes; behind these are some that mean nothing, and the last eight are always the same.
  const positions = [-1, -8, -46, -47, -48, -49]
  for (let at = 0; at < 1; at += 0.02) positions.push(Math.floor(at * bytes.length))
  for (const at of positions) {
    const changed = Buffer.from(bytes)
    const index = at < 0 ? bytes.length + at : at
    changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8))
    await writeFile(join(directory, name), changed)
    await assert.rejects(openQueue(t, { directory }), {
      code: 'MILLRACE_CORRUPT',
      message: new RegExp(`${name} has changed`),
    })
    assert.deepEqual(await readFile(join(directory, name)), changed)
  }
})

/** Leaves LevelDB nothing to merge: it would make new tables of damaged ones before they are checked. */
async function mergeTables(directory: string): Promise<void> {
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.open()
  // The types of `level` do not say that in Node.js it is ClassicLevel, which has this.
  const { compactRange } = db as unknown as { compactRange(from: Buffer, to: Buffer): Promise<void> }
  await compactRange.call(db, Buffer.of(0), Buffer.of(0xff))
  await db.close()
  await rm(join(directory, 'CLOSED'))
}

test('of many tables the rest is checked while the queue is at work, which stops at the first that has changed', async (t) => {
  const directory = await temporaryDirectory(t)
  const input = randomBytes(3_500_000)
  const before = await openQueue(t, { directory, maxWorkers: 0, durability: 'process' })
  for (let n = 0; n < 26; n++) await before.enqueue('echo', Buffer.concat([Buffer.of(n), input]))
  await before.close()
  await mergeTables(directory)
  const [oldest = ''] = (await readdir(directory)).filter((name) => TABLE.test(name)).sort()
  await flip(directory, oldest, 0.5)
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  // The check keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const [error] = (await once(queue, 'error')) as [Error & { code: string }]
  assert.deepEqual([error.code, error.message.includes(`${oldest} has changed`)], ['MILLRACE_CORRUPT', true])
  await assert.rejects(queue.enqueue('echo', 1), { code: 'MILLRACE_CORRUPT' })
})

for (const isClosed of [true, false])
  test(`whatever bit changes in the log, the manifest or CURRENT, ${isClosed ? 'it is named' : 'no job is lost in silence, after a kill neither'}`, async (t) => {
    const stored = await storedQueue(t)
    const { directory } = stored
    if (!isClosed) await rm(join(directory, 'CLOSED'))
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
    assert.ok(refused.refused > 40 && isClosed === (refused.opened === 0), JSON.stringify(refused))
  })
