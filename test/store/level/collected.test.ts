/** A chunk's object that the garbage collector takes while the disk is being read: what had left the chunk stays gone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../../support/directory.js'
import { runScript } from '../../support/script.js'

const STORE = new URL('../../../src/store/level/level-store.js', import.meta.url)
const SUPPORT = new URL('../../support/store.js', import.meta.url)

/**
 * Of each of `chunks` chunks the first job is in transit and the others are on disk only, since more urgent ones have pushed
 * them out of the window. Then these first jobs complete one after the other, and nothing keeps their chunks in memory.
 */
const PRELUDE = `
  import { LevelStore } from ${JSON.stringify(STORE.href)}
  import { claimSome, levelOptions, newJob, textOf } from ${JSON.stringify(SUPPORT.href)}
  const directory = process.argv[2]
  const URGENT = 16_600
  let { store } = await LevelStore.open(directory, levelOptions({}))
  const lane = store.lane('a')

  async function begin(chunks) {
    for (let chunk = 0; chunk < chunks; chunk++)
      await store.add([0, 1, 2, 3].map((job) => newJob(lane, chunk + '.' + job)))
    const { jobs } = claimSome(store)
    const isFirst = (job) => textOf(job).endsWith('.0')
    await store.settle(jobs.filter((job) => !isFirst(job)).map((job) => ({ outcome: 'released', job })))
    for (let added = 0; added < URGENT; added += 200)
      await store.add(Array.from({ length: 200 }, () => newJob(lane, 'urgent', { priority: -1 })))
    return jobs.filter(isFirst)
  }

  const complete = (jobs) =>
    store.settle(jobs.map((job) => ({ outcome: 'completed', job, output: job.input, startedAt: 1 })))

  async function collect(times) {
    for (let turn = 0; turn < times; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc()
    }
  }

  // The second job of each chunk completes; then the store is opened again. What waits, and what was completed?
  async function end() {
    for (let found = 0; found < 1; ) {
      const { jobs } = claimSome(store) ?? { jobs: [] }
      const second = jobs.filter((job) => textOf(job).endsWith('.1'))
      await complete(second)
      found += second.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    await store.close()
    store = (await LevelStore.open(directory, levelOptions({}))).store
    const texts = async (state) =>
      (await store.list({ states: [state], limit: 100_000 })).map(textOf).filter((text) => text !== 'urgent')
    console.log(JSON.stringify([await texts('waiting'), await texts('completed'), store.counts().waiting - URGENT]))
    await store.close()
  }
`

const CASES = {
  'a window is filled that was to be filled just before they left': `
    const first = await begin(90)
    while (first.length > 0) {
      const settled = complete([first.shift()])
      claimSome(store, 200)
      await settled
      await collect(2)
    }
    await end()`,
  'all jobs are listed while they leave': `
    const first = await begin(2)
    while (first.length > 0) {
      const listed = store.list({ limit: 100_000 })
      await new Promise((resolve) => setImmediate(resolve))
      await complete([first.shift()])
      await collect(1)
      await listed
    }
    await end()`,
}

for (const [what, script] of Object.entries(CASES))
  test(`a chunk that is collected and read again knows who has left it, when ${what}`, async (t) => {
    const directory = await temporaryDirectory(t)
    const { code, stdout, stderr } = await runScript(t, PRELUDE + script, [directory], ['--expose-gc'])
    assert.equal(code, 0, stderr)
    const [waiting, completed, counted] = JSON.parse(stdout) as [string[], string[], number]
    assert.deepEqual(
      waiting.filter((text) => completed.includes(text)),
      [],
      'both waiting and completed',
    )
    assert.equal(waiting.length, counted)
    assert.ok(completed.some((text) => text.endsWith('.1')))
  })
