/**
 * A power cut that takes the unsynced end of one of LevelDB's logs and leaves the next log: what was written before and after is
 * there, what was written between is not. Jobs that share an entry must not be lost by that.
 */
import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LevelStore } from '../../src/store/level/level-store.js'
import type { Claimed, Settlement } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/directory.js'
import { inspect } from '../support/inspect.js'
import { type LogGroup, readLog, writeLog } from '../support/level-log.js'
import { claimNext, levelOptions, newJob, textOf } from '../support/store.js'

const OPTIONS = { ...levelOptions({}), durability: 'disk' } as const
const JOBS = 12

const OUTCOMES: Readonly<Record<string, (job: Claimed) => Settlement>> = {
  completed: (job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 }),
  failed: (job) => ({ outcome: 'failed', job, head: { attempt: 1 } }),
  'tried again at once': (job) => ({ outcome: 'retry', job, head: { attempt: 1 } }),
  'tried again later': (job) => ({ outcome: 'retry', job, head: { attempt: 1, runAt: 2 ** 47 } }),
  'alone from now on': (job) => ({ outcome: 'released', job, alone: true }),
}

for (const [what, settlementOf] of Object.entries(OUTCOMES))
  test(`jobs that share an entry and are ${what} survive the loss of what was not synced between two logs`, async (t) => {
    const directory = await temporaryDirectory(t)
    const { store } = await LevelStore.open(directory, OPTIONS)
    const lane = store.lane('task')
    await store.add(Array.from({ length: JOBS }, (_, index) => newJob(lane, `job ${index}`)))
    const jobs = await claimNext(store, JOBS)
    for (const job of jobs.slice(0, 3)) await store.settle([settlementOf(job)])
    await store.settle(jobs.slice(3).map((job) => settlementOf(job)))
    await store.add([newJob(lane, 'late')])
    await store.close()
    await rm(join(directory, 'CLOSED'))
    const { name, records } = await readLog(directory)
    const gaps = gapsOf(records)
    assert.ok(gaps.length > 0, 'there is something to lose')
    for (const [from, to] of gaps) {
      const copy = `${directory}-${from}-${to}`
      t.after(() => rm(copy, { recursive: true, force: true }))
      await cp(directory, copy, { recursive: true })
      await writeLog(copy, name, records.slice(0, from))
      await writeLog(copy, '000900.log', records.slice(to))
      await assertAllThere(t, copy, `groups ${from} to ${to} are lost`)
    }
  })

/** Every run of groups that were not synced, and behind which others follow: from the first to the one after the last. */
function gapsOf(records: readonly LogGroup[]): [number, number][] {
  const gaps: [number, number][] = []
  for (let from = 1; from < records.length; from++)
    for (let to = from; to < records.length - 1 && !records[to]?.isSynced; to++) gaps.push([from, to + 1])
  return gaps
}

async function assertAllThere(t: TestContext, directory: string, message: string): Promise<void> {
  const { store } = await LevelStore.open(directory, OPTIONS)
  t.after(() => store.close().catch(() => {}))
  const texts = new Set((await store.list({ limit: 100 })).map(({ body }) => textOf({ body })))
  for (let index = 0; index < JOBS; index++)
    assert.ok(texts.has(`job ${index}`), `${message}: job ${index} is nowhere`)
  assert.ok(texts.has('late'), `${message}: the late job is nowhere`)
  await store.close()
  assert.deepEqual((await inspect(directory)).problems, [], message)
}
