import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { measureNaps } from '../../bench/naps/measure-naps.js'
import { bareRateOf, pipeline, rateOf, warmUp } from '../../bench/subject.js'

/** A job that notes how many were begun, and how many were unfinished at once. */
function counting() {
  const counted = { begun: 0, most: 0 }
  let unfinished = 0
  const once = async () => {
    counted.begun++
    counted.most = Math.max(counted.most, ++unfinished)
    await setImmediate()
    unfinished--
  }
  return { counted, once }
}

test('a pipeline runs a number of jobs, so many of them at once', async () => {
  const { counted, once } = counting()
  const indexes: number[] = []
  await pipeline(10, 3, async (index) => {
    indexes.push(index)
    await once()
  })
  assert.deepEqual(counted, { begun: 10, most: 3 })
  assert.deepEqual(indexes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a warm-up runs a thousand jobs in a quick run, few at once', async () => {
  const { counted, once } = counting()
  await warmUp({ quick: true }, once)
  assert.deepEqual(counted, { begun: 1000, most: 4 })
})

test('a rate is of the time that the work takes, in seconds, without the smaller one before it', async () => {
  const counts: number[] = []
  let innerMs = 0
  const work = async (count: number) => {
    counts.push(count)
    const before = performance.now()
    while (performance.now() < before + 2);
    innerMs = performance.now() - before
  }
  const before = performance.now()
  const bare = await bareRateOf(100, work)
  const outerMs = performance.now() - before
  assert.ok(bare <= 100_000 / innerMs && bare >= 100_000 / outerMs, `${bare} jobs/s`)
  await rateOf(100, work)
  assert.deepEqual(counts, [100, 20, 100])
})

test('so many naps a thread are unfinished at once, spread over the lines', async () => {
  const { counted, once } = counting()
  const lines = new Set<number>()
  let isClosed = false
  await measureNaps(
    async (threads) => ({
      async nap(ms, line) {
        if (ms > 0) lines.add(line)
        await once()
        return line % threads
      },
      close: async () => {
        isClosed = true
      },
    }),
    { ms: 1, threads: 3, each: 4 },
    { directory: '', quick: true, common: 0 },
  )
  assert.equal(counted.most, 12)
  assert.deepEqual([...lines], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  assert.equal(isClosed, true)
})
