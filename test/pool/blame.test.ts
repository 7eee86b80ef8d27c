/** Who is charged when a thread ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blame, type Death, deathFor } from '../../src/pool/waybill/blame.js'
import { DONE, LISTENING, SharedState, STARTED, WAITING } from '../../src/pool/waybill/waybill.js'

const EXIT: Death = {
  error: { name: 'Error', message: 'worker exited with code: 1' },
  isKilled: false,
  isUncaught: false,
  hasRunOthers: false,
}
const THROW: Death = { ...EXIT, isUncaught: true }

/** Jobs without a result, in these states. */
function verdictOn(words: readonly number[], death: Death) {
  const state = new SharedState(words.length)
  words.forEach((word, index) => {
    if (word !== WAITING) assert.ok(state.move(index, WAITING, word))
  })
  return blame([...words.entries()], state, death)
}

test('an exit is the doing of the job that runs, also if another is done and not sent yet', () => {
  assert.deepEqual(verdictOn([STARTED, WAITING], EXIT), { culprit: 0, suspects: [] })
  assert.deepEqual(verdictOn([LISTENING], EXIT), { culprit: 0, suspects: [] })
})

test('an error out of band may be that of the job that runs, or of one that is done: with two suspects none is charged', () => {
  assert.deepEqual(verdictOn([DONE, STARTED, WAITING], THROW), { suspects: [0, 1] })
  assert.deepEqual(verdictOn([DONE, DONE], THROW), { suspects: [0, 1] })
  assert.deepEqual(verdictOn([STARTED, WAITING], THROW), { culprit: 0, suspects: [] })
  assert.deepEqual(verdictOn([DONE], THROW), { culprit: 0, suspects: [] })
})

test('where the thread has run others before, the only suspect is not charged', () => {
  assert.deepEqual(verdictOn([STARTED], { ...THROW, hasRunOthers: true }), { suspects: [0] })
  assert.deepEqual(verdictOn([STARTED], { ...EXIT, hasRunOthers: true }), { suspects: [0] })
})

test('a thread that was ended on purpose makes no suspects, nor does one that ran none of them', () => {
  assert.deepEqual(verdictOn([STARTED, DONE], { ...EXIT, isKilled: true }), { suspects: [] })
  assert.deepEqual(verdictOn([WAITING, WAITING], EXIT), { suspects: [] })
})

test('where waybills share a thread, the one that threw is charged, the others are no suspects', () => {
  const [one, two] = [{ number: 1 }, { number: 2 }]
  const known = { ...THROW, hasRunOthers: true, culprit: 2 }
  assert.deepEqual(verdictOn([STARTED], deathFor(two, [one, two], known)), { culprit: 0, suspects: [] })
  assert.deepEqual(verdictOn([STARTED], deathFor(one, [one, two], known)), { suspects: [] })
})

test('where it is unknown which of several threw, or one that is over did, all are suspects', () => {
  const [one, two] = [{ number: 1 }, { number: 2 }]
  for (const culprit of [undefined, 3])
    for (const each of [one, two])
      assert.deepEqual(verdictOn([LISTENING], deathFor(each, [one, two], { ...THROW, culprit })), {
        suspects: [0],
      })
  // Only one was at work.
  assert.deepEqual(verdictOn([STARTED], deathFor(one, [one], THROW)), { culprit: 0, suspects: [] })
})
