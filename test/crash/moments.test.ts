import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { encode } from '../../src/codec/codec.js'
import { JobQueue } from '../../src/index.js'
import { LevelStore } from '../../src/store/level/level-store.js'
import type { Store } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/directory.js'
import { inspect } from '../support/inspect.js'
import { FIXTURE, openQueue } from '../support/queue.js'
import { startScript } from '../support/script.js'
import { revive } from '../support/store.js'

/** How much later each kill comes than the one before, in ms. */
const STEP_MS = 20
const MOST_KILLS = 5

const everything = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  age: Number.POSITIVE_INFINITY,
}
const KEEP_ALL = { completed: everything, failed: everything, cancelled: everything }

/** Writes a directory as a process would leave it that is killed while `use` is done. */
async function leaveBehind(directory: string, use: (store: Store, lane: number) => Promise<unknown>) {
  const options = {
    durability: 'process',
    retention: KEEP_ALL,
    keptInputBytes: 16_384,
    attemptsOf: () => 3,
  } as const
  const { store } = await LevelStore.open(directory, options)
  await use(store, store.lane('echo'))
  await store.close()
}

const input = encode('input', 'input')

function addJobs(store: Store, lane: number, count: number) {
  return store.add(new Array(count).fill({ lane, priority: 0, head: undefined, input }))
}

/** Claims the next jobs, so many at once, as one waybill. */
function claim(store: Store, count: number) {
  let left = count
  const claimed = store.claim(() => (left-- > 0 ? 'take' : 'stop'))
  assert.equal(claimed?.jobs.length, count)
  return claimed.jobs
}

/**
 * Runs the script on the directory and kills it ever later after it has said "now", until it comes to its end. `look` is
 * given what each kill left. Returns how many were killed.
 */
async function killEverLater(
  t: TestContext,
  directory: string,
  script: string,
  look: () => Promise<unknown>,
): Promise<number> {
  for (let kills = 0; kills < MOST_KILLS; kills++) {
    const child = await startScript(t, script, [directory])
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    child.stderr.pipe(process.stderr)
    await Promise.race([once(child.stdout, 'data'), ended])
    await Promise.race([after(kills * STEP_MS), ended])
    child.kill('SIGKILL')
    const [code, signal] = await ended
    if (signal !== 'SIGKILL') {
      assert.equal(code, 0)
      return kills
    }
    await look()
  }
  return MOST_KILLS
}

/** The directory is in order, and holds as many jobs as it should. */
async function assertInOrder(directory: string, jobs?: number) {
  const found = await inspect(directory)
  assert.deepEqual(found.problems, [])
  if (jobs !== undefined) assert.equal(found.jobs.size, jobs)
  return found
}

test('a new directory can be opened however far an open that was killed had come', async (t) => {
  const base = await temporaryDirectory(t)
  const directory = join(base, 'new')
  const script = `
    console.log('now')
    const queue = await JobQueue.open(process.argv[2], { workers: {} })
    await queue.close()`
  const reopen = async () => {
    const queue = await openQueue(t, { directory, maxWorkers: 1 })
    assert.equal(await (await queue.enqueue('echo', 'works')).finished(), 'works')
    await queue.close()
    await rm(directory, { recursive: true })
  }
  await killEverLater(t, directory, script, reopen)
})

test('recovery that is killed goes on at the next open, and charges nobody twice', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  const sole = new Set<string>()
  await leaveBehind(directory, async (store, lane) => {
    await addJobs(store, lane, 3500)
    for (let waybill = 0; waybill < 2000; waybill++) claim(store, waybill % 4 === 0 ? 4 : 1)
  })
  const { transit } = await assertInOrder(directory, 3500)
  for (const [first, ...others] of transit)
    if (first && !first.isAhead && others.length === 0) sole.add(first.id)
  assert.equal(sole.size, 1500)
  const script = `
    console.log('now')
    const queue = await JobQueue.open(process.argv[2], { workers: {}, maxWorkers: 0 })
    await queue.close()`
  await killEverLater(t, directory, script, () => assertInOrder(directory, 3500))
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await queue.close()
  const { jobs, transit: left } = await assertInOrder(directory, 3500)
  assert.equal(left.length, 0)
  for (const [id, { state, head }] of jobs)
    assert.deepEqual([state, head.attempt, head.alone], ['waiting', sole.has(id) ? 1 : undefined, true], id)
})

test('a job that was cancelled and sent back is not taken for lost with the waybill that it left', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  await leaveBehind(directory, async (store, lane) => {
    await addJobs(store, lane, 2)
    const [first] = claim(store, 2)
    assert.ok(first)
    await store.settle([{ outcome: 'cancelled', job: first, head: first.head }])
    assert.equal(await revive(store, first.place, 3), true)
  })
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  assert.deepEqual(queue.recovered, { returned: 1, failed: 0, waiting: 2 })
  assert.deepEqual(
    (await queue.jobs()).map(({ attempt }) => attempt),
    [0, 1],
  )
})

test('a process killed while it closes leaves every job: done, or waiting with the lost attempt on its bill', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  const script = `
    const workers = {
      block: { module: fixture, export: 'block' },
      count: { module: fixture, export: 'count' },
    }
    const queue = await JobQueue.open(process.argv[2], { workers, maxWorkers: 2, attempts: 1000 })
    if (queue.recovered.waiting === 0) {
      await queue.enqueue('block', undefined, { priority: -1 })
      await queue.enqueueMany('count', new Array(3000).fill(1))
    }
    await new Promise((resolve) => queue.once('log', resolve))
    queue.close({ timeout: 40 })
    console.log('now')`
  let attempts = 0
  await killEverLater(t, directory, script, async () => {
    const { jobs, transit } = await assertInOrder(directory, 3001)
    const [blocked] = [...jobs.values()].filter(({ place }) => place.priority === -1)
    assert.equal(blocked?.state, 'waiting')
    assert.ok((blocked.head.attempt ?? 0) >= attempts)
    attempts = blocked.head.attempt ?? 0
    for (const { state } of jobs.values()) assert.ok(state === 'waiting' || state === 'completed')
    // Two threads, and a waybill claimed ahead for each.
    assert.ok(transit.length <= 4)
  })
  const queue = await openQueue(t, { directory, keep: KEEP_ALL, attempts: 1000 })
  await once(queue, 'log')
  for (const { id } of await queue.jobs({ task: 'block' })) await queue.cancel(id)
  await queue.idle()
  assert.deepEqual([queue.counts().completed, queue.counts().cancelled], [3000, 1])
  await queue.close()
  await assertInOrder(directory, 3001)
})

/** A directory of 3000 completed jobs, of which every tenth has a key, in 1000 groups. */
async function completedJobs(t: TestContext): Promise<string> {
  const directory = join(await temporaryDirectory(t), 'queue')
  await leaveBehind(directory, async (store, lane) => {
    const jobs = Array.from({ length: 3000 }, (_, index) => {
      return { lane, priority: 0, head: index % 10 === 0 ? { key: `key ${index}` } : undefined, input }
    })
    await store.add(jobs)
    for (let waybill = 0; waybill < 1000; waybill++) {
      const startedAt = Date.now()
      const settlements = claim(store, 3).map((job) => {
        return { outcome: 'completed', job, output: input, startedAt } as const
      })
      await store.settle(settlements)
    }
  })
  return directory
}

test('pruning that is killed leaves no half-deleted job, and goes on at the next open', async (t) => {
  const directory = await completedJobs(t)
  const script = `
    console.log('now')
    const queue = await JobQueue.open(process.argv[2], { workers: {}, keep: { completed: { count: 100 } } })
    await queue.close()`
  await killEverLater(t, directory, script, () => assertInOrder(directory))
  const queue = await JobQueue.open(directory, { workers: {}, keep: { completed: { count: 100 } } })
  await queue.close()
  const { jobs } = await assertInOrder(directory, 100)
  // Those that completed in one group are equally old.
  const oldest = Math.min(...[...jobs.values()].map(({ place }) => place.seq))
  assert.ok(oldest > 2800, `the newest are kept, and number ${oldest}`)
})

test('clean that is killed leaves no half-deleted job, and can be asked again', async (t) => {
  const directory = await completedJobs(t)
  const script = `
    const queue = await JobQueue.open(process.argv[2], { workers: { echo: { module: fixture, export: 'echo' } } })
    console.log('now')
    await queue.clean({ limit: 2500 })
    await queue.close()`
  await killEverLater(t, directory, script, () => assertInOrder(directory))
  const queue = await JobQueue.open(directory, { workers: { echo: { module: FIXTURE, export: 'echo' } } })
  const { completed } = queue.counts()
  assert.equal(await queue.clean(), completed)
  assert.equal((await queue.enqueue('echo', 'anew', { key: 'key 0' })).input, 'anew')
  await queue.idle()
  await queue.close()
  await assertInOrder(directory, 1)
})
