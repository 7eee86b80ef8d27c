/** The notes of jobs in transit on disk: what they cost, and what damage and repair do to them. */
import assert from 'node:assert/strict'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { JobQueue } from '../../../src/index.js'
import { waybillKey } from '../../../src/store/level/format/keys.js'
import { encodeNote, NOTE, noteKey } from '../../../src/store/level/format/note.js'
import type { Database } from '../../../src/store/level/group-commit.js'
import { LevelStore } from '../../../src/store/level/level-store.js'
import type { Claimed, Store } from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { claimNext, claimSome, levelOptions, newJob, textOf } from '../../support/store.js'

const SAVED = Buffer.from('saved')

async function open(t: TestContext, directory: string): Promise<LevelStore> {
  const { store } = await LevelStore.open(directory, levelOptions({ keptInputBytes: -1 }))
  t.after(() => store.close().catch(() => {}))
  return store
}

async function change(directory: string, use: (db: Database) => Promise<unknown>): Promise<void> {
  const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
  const db: Database = new Level<Buffer, Buffer>(directory, encodings)
  await use(db)
  await db.close()
}

/** The prefixes of all keys that are there. */
async function prefixesIn(directory: string): Promise<Set<string>> {
  const prefixes = new Set<string>()
  await change(directory, async (db) => {
    for await (const key of db.keys()) prefixes.add(key.toString('latin1', 0, 1))
  })
  return prefixes
}

/** A closed directory with a job in transit that has saved something, and its place. */
async function leaveSaved(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const store = await open(t, directory)
  await store.add(['saves', 'other'].map((text) => newJob(store.lane('a'), text)))
  const [job] = await claimNext(store, 1)
  assert.ok(job)
  assert.equal(await store.checkpoint(job, SAVED), true)
  await store.close()
  return { directory, place: job.place }
}

test('jobs that note nothing cost no byte more', async (t) => {
  const bytesWith = async (look: (store: Store, job: Claimed) => unknown) => {
    const directory = await temporaryDirectory(t)
    const store = await open(t, directory)
    const lane = store.lane('a')
    await store.add(Array.from({ length: 100 }, () => newJob(lane, 'x'.repeat(60))))
    for (let claim = claimSome(store, 10); claim; claim = claimSome(store, 10)) {
      await claim.written
      for (const job of claim.jobs) await look(store, job)
      const output = Buffer.from('out')
      await store.settle(claim.jobs.map((job) => ({ outcome: 'completed', job, output, startedAt: 1 })))
    }
    await store.close()
    const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const sizes = await Promise.all(logs.map((name) => stat(join(directory, name))))
    return sizes.reduce((sum, { size }) => sum + size, 0)
  }
  const plain = await bytesWith(() => {})
  const started = await bytesWith(async (store, job) => {
    store.noteStarted(job, Date.now())
    await store.get(job.place)
  })
  assert.equal(started, plain)
  // Notes that come and go between two writes cost their record's head alone: they get no key.
  const noted = await bytesWith((store, job) => store.note(job, { progress: Buffer.from('half') }))
  const perJob = (noted - plain) / 100
  assert.ok(perJob > 15 && perJob < 30, `${perJob} bytes for each job`)
  assert.ok((await bytesWith((store, job) => store.checkpoint(job, SAVED))) > noted)
})

test('nothing is left of the notes of jobs that have an outcome', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await open(t, directory)
  const lane = store.lane('a')
  await store.add(['completed', 'failed', 'retry', 'released'].map((text) => newJob(lane, text)))
  const jobs = await claimNext(store)
  for (const job of jobs) {
    store.note(job, { progress: SAVED, log: { lines: ['line'], dropped: 0 } })
    await store.checkpoint(job, SAVED)
  }
  const outcomes = ['completed', 'failed', 'retry', 'released'] as const
  await store.settle(
    jobs.map((job, index) => ({
      outcome: outcomes[index] as 'failed',
      job,
      head: { attempt: 1 },
      output: SAVED,
      startedAt: 1,
    })),
  )
  await store.close()
  assert.equal((await prefixesIn(directory)).has(NOTE), false)
})

test('a job whose checkpoint is damaged fails, and is not run without it', async (t) => {
  const { directory, place } = await leaveSaved(t)
  await change(directory, async (db) => {
    const key = noteKey(place, 'saved')
    const value = (await db.get(key)) ?? assert.fail('there is no note')
    value[value.length - 1] = (value.at(-1) ?? 0) ^ 1
    await db.put(key, value)
  })
  const store = await open(t, directory)
  const job = await store.get(place)
  assert.equal(job?.head.damage?.code, 'MILLRACE_DAMAGED')
  assert.equal(job?.head.saved, undefined)
  await store.close()
  assert.equal((await prefixesIn(directory)).has(NOTE), false)
})

test('a log that is none, though its checksum is right, keeps no directory from being opened', async (t) => {
  const { directory, place } = await leaveSaved(t)
  await change(directory, (db) => db.put(noteKey(place, 'log'), encodeNote(place, Buffer.of(0xda, 1))))
  const store = await open(t, directory)
  const job = await store.get(place)
  assert.equal(job?.head.damage?.code, 'MILLRACE_DAMAGED')
  assert.equal(job?.head.log, undefined)
})

test('a checkpoint is saved by a repair, even if the waybill of its job is lost', async (t) => {
  const { directory, place } = await leaveSaved(t)
  const gone = { ...place, seq: place.seq + 1000 }
  await change(directory, async (db) => {
    const waybills = await db.keys({ gte: waybillKey(0), lte: waybillKey(2 ** 48 - 1) }).all()
    assert.equal(waybills.length, 1)
    for (const key of waybills) await db.del(key)
    const note = await db.get(noteKey(place, 'saved'))
    await db.put(noteKey(gone, 'saved'), note ?? assert.fail('there is no note'))
  })
  await rm(join(directory, 'CURRENT'))
  const { dropped, jobs } = await JobQueue.repair(directory)
  assert.deepEqual([dropped, jobs.waiting], [0, 2])
  const store = await open(t, directory)
  const found = await claimNext(store)
  assert.deepEqual(
    found.map((job) => [textOf(job), job.head.saved && String(job.head.saved), job.attempt]),
    [
      ['saves', 'saved', 1],
      ['other', undefined, 1],
    ],
  )
  await store.close()
  assert.equal((await prefixesIn(directory)).has(NOTE), false)
})
