/** A power cut takes what was not fsynced. The outcome of a job's last attempt was told, so it must not become another one. */
import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Head } from '../../src/job/job.js'
import { LevelStore } from '../../src/store/level/level-store.js'
import type { Claimed, Settlement } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/directory.js'
import { readLog, writeLog } from '../support/level-log.js'
import { claimNext, levelOptions, newJob } from '../support/store.js'

const OPTIONS = { ...levelOptions({ attempts: 2 }), durability: 'disk' } as const

const OUTCOMES: Readonly<Record<string, (job: Claimed) => Settlement>> = {
  completed: (job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 }),
  cancelled: (job) => ({ outcome: 'cancelled', job, head: job.head }),
}

for (const [state, settlementOf] of Object.entries(OUTCOMES))
  for (const [which, head, kept] of [
    ['on its last attempt', { attempt: 1 }, state],
    ['with attempts left', {}, 'waiting'],
  ] as [string, Head, string][])
    test(`a job that is ${state} ${which} is ${kept} after a power cut`, async (t) => {
      const directory = await temporaryDirectory(t)
      const { store } = await LevelStore.open(directory, OPTIONS)
      await store.add([{ ...newJob(store.lane('task'), 'job'), head }])
      const [job] = await claimNext(store, 1)
      await store.settle([settlementOf(job as Claimed)])
      const copy = `${directory}-cut`
      t.after(() => rm(copy, { recursive: true, force: true }))
      await cp(directory, copy, { recursive: true })
      await store.close()
      await rm(join(copy, 'OWNER'))
      const { name, records } = await readLog(copy)
      const synced = records.findLastIndex(({ isSynced }) => isSynced)
      await writeLog(copy, name, records.slice(0, synced + 1))
      const { store: found } = await LevelStore.open(copy, OPTIONS)
      t.after(() => found.close())
      const [after] = await found.list({ limit: 1 })
      assert.equal(after?.state, kept)
    })
