import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureNaps } from '../../bench/naps/measure-naps.js'
import { NapMeter } from '../../bench/naps/nap-meter.js'
import { byHand, millrace, piscina } from '../../bench/naps/nappers.js'
import { temporaryDirectory } from '../support/directory.js'

const TIMES = { startMs: 1000, warmUpMs: 100, measuredMs: 100 }

/** A meter whose clocks the test sets. Half of the time its event loop is active, for a quarter it has the CPU. */
function meter(threads: number, napMs: number) {
  let nowMs = 0
  const spent = () => ({ cpuMs: nowMs / 4, activeMs: nowMs / 2 })
  const napMeter = new NapMeter(threads, napMs, TIMES, { now: () => nowMs, spent })
  return {
    napMeter,
    noteAt(ms: number, ...ids: number[]) {
      nowMs = ms
      for (const id of ids) napMeter.note(id)
    },
  }
}

test('naps are measured once every thread has ended one, and the warm-up is over', async () => {
  const { napMeter, noteAt } = meter(2, 10)
  noteAt(500, 1)
  noteAt(900, 1, 1, 2)
  noteAt(999, 1, 2)
  noteAt(1000, 1, 2)
  for (let ms = 1020; ms < 1100; ms += 20) noteAt(ms, 1, 2)
  assert.equal(napMeter.isOver, false)
  noteAt(1100, 1, 2)
  assert.equal(napMeter.isOver, true)
  assert.deepEqual(await napMeter.figures, { share: 50, busy: 50, cpuUs: 2500 })
})

test('a measurement begins and ends after a whole number of waves', async () => {
  const { napMeter, noteAt } = meter(4, 50)
  noteAt(0, 1, 2, 3, 4)
  noteAt(101, 1, 2, 3)
  noteAt(110, 4)
  noteAt(212, 1, 2)
  assert.equal(napMeter.isOver, false)
  noteAt(230, 3, 4)
  assert.deepEqual((await napMeter.figures).share, (100 * 4 * 50) / (4 * 120))
})

test('a thread that ends no nap is not waited for for ever', async () => {
  const { napMeter, noteAt } = meter(2, 100)
  noteAt(0, 1)
  for (let ms = 100; ms <= 1300; ms += 50) noteAt(ms, 1)
  assert.equal((await napMeter.figures).share, 100)
})

for (const [name, open] of Object.entries({ millrace, piscina, byHand }))
  test(`${name}: threads nap, and figures come of it`, async (t) => {
    const directory = await temporaryDirectory(t)
    const load = { ms: 1, threads: 2, each: 4 }
    const { share, busy, cpuUs } = await measureNaps(open, load, { directory, quick: true, common: 0 })
    assert.ok(share > 0 && share <= 100, `${share} % slept`)
    assert.ok(busy > 0 && busy <= 101, `${busy} % busy`)
    assert.ok(cpuUs > 0, `${cpuUs} µs`)
  })

test('by hand, a line keeps to its thread', async () => {
  const nappers = await byHand(2, '')
  const ids = await Promise.all([0, 1, 2, 3].map((line) => nappers.nap(0, line)))
  await nappers.close()
  assert.equal(ids[0], ids[2])
  assert.equal(ids[1], ids[3])
  assert.notEqual(ids[0], ids[1])
})
