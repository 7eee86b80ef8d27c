import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Level } from 'level'
import { LevelStore } from '../../../src/store/level/level-store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { claimNext, levelOptions, newJob, openLevelStore } from '../../support/store.js'

const STORE = new URL('../../../src/store/level/level-store.js', import.meta.url)
const SUPPORT = new URL('../../support/store.js', import.meta.url)

/** Fills the disk (a limit on file sizes stands in for it), and says what each call and event came to. */
const SCRIPT = `
  import { LevelStore } from ${JSON.stringify(STORE.href)}
  import { levelOptions, claimNext, claimSome, newJob } from ${JSON.stringify(SUPPORT.href)}
  const { store } = await LevelStore.open(process.argv[1], levelOptions({}))
  const events = []
  store.watch({ runnable() {}, due() {}, broken: ({ code, cause }) => events.push([code, cause instanceof Error]) })
  const lane = store.lane('a')
  const input = Buffer.alloc(10_000)
  let acknowledged = 0
  await store.add([...'123'].map((text) => newJob(lane, text, { priority: -1 })))
  const [job] = await claimNext(store, 1)
  try {
    for (; acknowledged < 10_000; acknowledged++) await store.add([{ lane, priority: 0, head: undefined, input }])
  } catch {}
  const claim = claimSome(store, 1)
  const place = job.place
  const calls = {
    add: store.add([newJob(lane, 'x')]),
    keyed: store.add([newJob(lane, 'x', { key: 'k' })]),
    claim: claim.written,
    settle: store.settle([{ outcome: 'completed', job, output: input, startedAt: 1 }]),
    cancel: store.changeOne({ ...place, seq: place.seq + 2 }, { verb: 'cancel' }),
    get: store.get(place),
  }
  const ended = Object.entries(calls).map(([name, call]) =>
    call.then(() => [name, 'done'], ({ code }) => [name, code]))
  const outcomes = Object.fromEntries(await Promise.all(ended))
  await store.close()
  console.log(JSON.stringify({ acknowledged, events, outcomes }))`

test('a disk that is full is told once; nothing is acknowledged from then on, and what was is there later', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  const node = [process.execPath, '--input-type=module', '--eval', SCRIPT, directory]
  const child = spawn('sh', ['-c', 'ulimit -f 1000; exec "$@"', 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  assert.notEqual(stdout, '', stderr)
  const { acknowledged, events, outcomes } = JSON.parse(stdout)
  assert.ok(acknowledged > 10 && acknowledged < 1000, `${acknowledged} jobs`)
  assert.deepEqual(events, [['MILLRACE_STORE', true]])
  const refused = 'MILLRACE_STORE'
  const { get, ...changes } = outcomes
  assert.deepEqual(changes, {
    add: refused,
    keyed: refused,
    claim: refused,
    settle: refused,
    cancel: refused,
  })
  assert.equal(get, 'done')
  const { store, recovered } = await LevelStore.open(directory, levelOptions({}))
  t.after(() => store.close())
  assert.deepEqual([recovered.returned, recovered.failed], [1, 0])
  // The job whose add failed may be there or not.
  const { waiting, completed, cancelled } = store.counts()
  assert.ok(waiting === acknowledged + 3 || waiting === acknowledged + 4, `${waiting} of ${acknowledged}`)
  assert.deepEqual([completed, cancelled], [0, 0])
  assert.equal((await store.list({ limit: 1000 })).length, waiting)
})

test('damage that the store finds in its own work is told as damage, to the caller and to who watches', async (t) => {
  const { reopen } = await openLevelStore(t)
  const { store } = await reopen({ keep: { failed: { count: 1 } } })
  const lane = store.lane('a')
  await store.add([newJob(lane, '1'), newJob(lane, '2')])
  const events: unknown[] = []
  store.watch({ runnable() {}, due() {}, broken: (error) => events.push(error) })
  const jobs = await claimNext(store)
  const { mock } = t.mock.method(Level.prototype, 'iterator', () => {
    throw Object.assign(new Error('a block has changed'), { code: 'LEVEL_CORRUPTION' })
  })
  await store.settle(jobs.map((job) => ({ outcome: 'failed', job, head: { attempt: 1 } })))
  const pruned = store.prune(Date.now())
  await assert.rejects(pruned, { code: 'MILLRACE_CORRUPT', message: /a block has changed/ })
  mock.restore()
  // The store has begun to prune by itself, too.
  assert.deepEqual(
    events.map((error) => (error as { code?: unknown }).code),
    ['MILLRACE_CORRUPT', 'MILLRACE_CORRUPT'],
  )
})
