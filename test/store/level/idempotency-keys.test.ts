import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Place } from '../../../src/job/job.js'
import { openDirectory } from '../../../src/store/level/directory/directory.js'
import { jobKey, nameKey } from '../../../src/store/level/format/keys.js'
import { IdempotencyKeys } from '../../../src/store/level/idempotency-keys.js'
import type { NewJob } from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/directory.js'
import { newJob } from '../../support/store.js'

test('requests that come while others are being answered are looked up together', async (t) => {
  const { names, added } = await open(t)
  const first = names.add([newJob(0, '', { key: 'a' })])
  const others = ['b', 'c', 'a', 'b'].map((key) => names.add([newJob(0, '', { key })]))
  const [[a], [b], [c], [sameA], [sameB]] = await Promise.all([first, ...others]).then(
    (all) => all as [Place[], Place[], Place[], Place[], Place[]],
  )
  assert.deepEqual(
    [sameA, sameB],
    [
      { ...a, existed: true },
      { ...b, existed: true },
    ],
  )
  assert.equal(new Set([a, b, c].map((place) => place?.seq)).size, 3)
  assert.deepEqual(
    added.map((jobs) => jobs.map(({ head }) => head?.key)),
    [['a'], ['b'], ['c']],
  )
})

test('jobs without a key go along with those that have one, in one write', async (t) => {
  const { names, added } = await open(t)
  const places = await names.add([newJob(0, ''), newJob(0, '', { key: 'a' }), newJob(0, '')])
  assert.deepEqual(
    places.map(({ seq }) => seq),
    [1, 2, 3],
  )
  assert.equal(added.length, 1)
})

test('a key whose job could not be added is free again, and all who asked are told', async (t) => {
  const { names, added, failNext } = await open(t)
  failNext(new Error('no room'))
  const both = [names.add([newJob(0, '', { key: 'a' })]), names.add([newJob(0, '', { key: 'a' })])]
  for (const each of both) await assert.rejects(each, { message: 'no room' })
  assert.equal(added.length, 0)
  await names.add([newJob(0, '', { key: 'a' })])
  assert.equal(added.length, 1)
})

test('quiet is fulfilled when every request has been looked up', async (t) => {
  const { names, added } = await open(t)
  await names.quiet()
  const places = ['a', 'b', 'c'].map((key) => names.add([newJob(0, '', { key })]))
  await names.quiet()
  assert.equal(added.length, 3)
  await Promise.all(places)
})

/** IdempotencyKeys over a database into which jobs are written by their keys alone. */
async function open(t: TestContext) {
  const { db, close } = await openDirectory(await temporaryDirectory(t))
  t.after(close)
  const added: (readonly NewJob[])[] = []
  let failure: Error | undefined
  let seq = 0
  const add = async (jobs: readonly NewJob[]): Promise<Place[]> => {
    if (failure) {
      const error = failure
      failure = undefined
      throw error
    }
    added.push(jobs)
    const batch = db.batch()
    const places = jobs.map(({ lane, priority, head }) => {
      const place = { lane, priority, seq: ++seq }
      if (head?.key !== undefined) batch.put(nameKey(lane, head.key), jobKey('waiting', place).subarray(1))
      return place
    })
    await batch.write()
    return places
  }
  const failNext = (error: Error) => {
    failure = error
  }
  return { names: new IdempotencyKeys(db, add), added, failNext }
}
