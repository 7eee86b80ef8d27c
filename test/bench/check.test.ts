import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '../../bench/answer.js'
import { compare, comparisonText, passes } from '../../bench/check.js'
import type { Better } from '../../bench/question.js'
import { circumstances, type Results } from '../../bench/results.js'

type Given = Pick<Answer, 'row'> & Partial<Answer>

function results(better: Better, answers: Given[], quick = false): Results {
  const whole = answers.map((answer) => ({ median: 1000, min: 900, max: 1100, rounds: 5, ...answer }))
  const measured = circumstances(5, quick)
  return { asked: { title: '', how: '', unit: '', digits: 0, better, measured, answers: whole } }
}

/** The verdict on one ratio. */
function verdict(better: Better, earlier: number, now: number): boolean | undefined {
  const at = (ratio: number) => results(better, [{ row: 'own', against: 'base', ratio }])
  return compare(at(earlier), at(now), 0.2).compared[0]?.isWorse
}

test('where more is better, a ratio is worse below its share, and never above', () => {
  assert.deepEqual(
    [4, 4.01, 5, 50, 3.99, 0].map((now) => verdict('more', 5, now)),
    [false, false, false, false, true, true],
  )
})

test('where less is better, a ratio is worse above its share, and never below', () => {
  assert.deepEqual(
    [1.2, 1.19, 1, 0.1, 1.21, 100].map((now) => verdict('less', 1, now)),
    [false, false, false, false, true, true],
  )
})

test('what is better for a line goes before what is better for its question', () => {
  const at = (ratio: number) => results('more', [{ row: 'own', against: 'base', better: 'less', ratio }])
  const isWorse = (now: number) => compare(at(1), at(now), 0.2).compared[0]?.isWorse
  assert.deepEqual([0.1, 1.21].map(isWorse), [false, true])
})

test('a ratio that is no number is worse', () => {
  assert.equal(verdict('more', 5, Number.NaN), true)
  assert.equal(verdict('less', 5, Number.NaN), true)
})

test('a slower machine is no regression: of a row with a ratio only that is compared', () => {
  const earlier = results('more', [{ row: 'own', against: 'base', ratio: 5, median: 100_000 }])
  const now = results('more', [{ row: 'own', against: 'base', ratio: 5, median: 1000 }])
  assert.ok(passes(compare(earlier, now, 0.2)))
})

test('of figures without a ratio only steady ones are compared', () => {
  const at = (bytes: number, ms: number) =>
    results('less', [
      { row: 'bytes', isSteady: true, median: bytes },
      { row: 'ms', median: ms },
    ])
  const { compared, passedOver } = compare(at(100, 100), at(130, 1000), 0.2)
  assert.deepEqual(compared, [
    {
      question: 'asked',
      row: 'bytes',
      what: 'figure',
      earlier: 100,
      now: 130,
      better: 'less',
      isWorse: true,
    },
  ])
  assert.deepEqual(
    passedOver.map(({ row }) => row),
    ['ms'],
  )
})

test('what cannot be compared is said, with the reason', () => {
  const earlier = results('more', [{ row: 'moved', against: 'base', ratio: 5 }])
  const now = results('more', [
    { row: 'moved', against: 'another base', ratio: 1 },
    { row: 'added', against: 'base', ratio: 1 },
  ])
  assert.deepEqual(
    compare(earlier, now, 0.2).passedOver.map(({ row, why }) => `${row}: ${why}`),
    ['moved: it was compared with another row then', 'added: it is new'],
  )
})

test('rows that are about others than millrace are not compared', () => {
  const answers = [{ row: 'other', against: 'base', ratio: 5 }]
  const { compared, passedOver } = compare(results('neither', answers), results('neither', answers), 0.2)
  assert.deepEqual(compared, [])
  assert.match(passedOver[0]?.why ?? '', /others/)
})

test('a quick run is not compared with a whole one', () => {
  const answers = [{ row: 'own', against: 'base', ratio: 5 }]
  const comparison = compare(results('more', answers), results('more', answers, true), 0.2)
  assert.deepEqual(comparison.compared, [])
  assert.match(comparison.passedOver[0]?.why ?? '', /quick/)
})

test('a check that compares nothing does not pass', () => {
  const now = results('more', [{ row: 'own', against: 'base', ratio: 5 }])
  assert.equal(passes(compare({}, now, 0.2)), false)
  assert.deepEqual(comparisonText(compare({}, now, 0.2), 0.2).split('\n'), [
    '-     asked: own: not compared, it is new',
    '',
    'Nothing could be compared.',
  ])
})

test('the text names what is worse, and by how much', () => {
  const at = (ratio: number) =>
    results('more', [
      { row: 'steady', against: 'base', ratio: 2 },
      { row: 'fallen', against: 'base', ratio },
    ])
  assert.deepEqual(comparisonText(compare(at(4), at(3), 0.2), 0.2).split('\n'), [
    'ok    asked: steady: ratio 2.000, was 2.000 (+0.0 %, more is better)',
    'WORSE asked: fallen: ratio 3.000, was 4.000 (−25.0 %, more is better)',
    '',
    '2 rows compared, 1 worse by more than 20 %:',
    '  asked: fallen',
  ])
})
