import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absencesIn, answersTo, SHARES } from '../../bench/answer.js'
import type { Question, Row } from '../../bench/question.js'
import { tableOf } from '../../bench/table.js'

function question(...rows: Omit<Row, 'measure'>[]): Question {
  const measure = async () => 0
  return {
    title: '',
    how: '',
    unit: 'jobs/s',
    better: 'more',
    rows: rows.map((row) => ({ ...row, measure })),
  }
}

test('a ratio is taken within each round, and the median of these is the answer', () => {
  const [base, own] = answersTo(
    question({ name: 'base' }, { name: 'own', against: 'base', target: { atLeast: 3 } }),
    new Map([
      ['base', [10, 100, 20]],
      ['own', [20, 300, 120]],
    ]),
  )
  assert.deepEqual(base, { row: 'base', median: 20, min: 10, max: 100, rounds: 3 })
  assert.deepEqual(own, {
    row: 'own',
    median: 120,
    min: 20,
    max: 300,
    rounds: 3,
    against: 'base',
    ratio: 3,
    target: { atLeast: 3 },
    isMet: true,
  })
})

test('the median of an even number of rounds lies between the middle two', () => {
  const [answer] = answersTo(question({ name: 'own' }), new Map([['own', [4, 1, 3, 100]]]))
  assert.equal(answer?.median, 3.5)
})

test('a target without a row to compare with is one of the figure', () => {
  const answers = answersTo(
    question({ name: 'low', target: { atMost: 20 } }, { name: 'high', target: { atMost: 20 } }),
    new Map([
      ['low', [20]],
      ['high', [21]],
    ]),
  )
  assert.deepEqual(
    answers.map(({ isMet }) => isMet),
    [true, false],
  )
})

test('a target of a ratio is not judged where what it is compared with was not measured', () => {
  const [answer] = answersTo(
    question({ name: 'base' }, { name: 'own', against: 'base', target: { atLeast: 3 } }),
    new Map([['own', [1000]]]),
  )
  assert.equal(answer?.isMet, undefined)
})

test('samples give the quantile that the row asks for, and their distribution over all rounds', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 99 - index)
  const answers = answersTo(
    question({ name: 'median' }, { name: 'p99', quantile: 0.99 }),
    new Map([
      ['median', [hundred, hundred.map((each) => each + 100)]],
      ['p99', [hundred]],
    ]),
  )
  assert.deepEqual(
    answers.map(({ median, min, max }) => [median, min, max]),
    [
      [100, 50, 150],
      [99, 99, 99],
    ],
  )
  const quantiles = answers[0]?.quantiles ?? []
  assert.equal(quantiles.length, SHARES.length)
  assert.equal(quantiles[0], 0)
  assert.equal(SHARES[10], 0.9)
  assert.equal(quantiles[10], 180)
  assert.equal(quantiles.at(-1), 199)
  assert.deepEqual(quantiles.slice(11, 13), [184, 187])
})

test('a measurement of several figures gives a line for each, which may be compared with a line of another row', () => {
  const answers = answersTo(
    question(
      { name: 'few', also: [{ name: 'few: cost', figure: 'cost' }] },
      {
        name: 'many',
        figure: 'share',
        also: [
          {
            name: 'many: cost',
            figure: 'cost',
            better: 'less',
            against: 'few: cost',
            target: { atMost: 1.2 },
          },
          { name: 'many: beside few', against: 'few' },
        ],
      },
    ),
    new Map([
      ['few', [{ figures: { share: 98, cost: 50 } }]],
      ['many', [{ figures: { cost: 100, share: 49 } }]],
    ]),
  )
  assert.deepEqual(
    answers.map(({ row, median, ratio, better, isMet }) => [row, median, ratio, better, isMet]),
    [
      ['few', 98, undefined, undefined, undefined],
      ['few: cost', 50, undefined, undefined, undefined],
      ['many', 49, undefined, undefined, undefined],
      ['many: cost', 100, 2, 'less', false],
      ['many: beside few', 100, 100 / 98, undefined, undefined],
    ],
  )
})

test('samples give a line for each quantile that is asked for', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 99 - index)
  const answers = answersTo(
    question({ name: 'median', also: [{ name: 'p99', quantile: 0.99 }] }),
    new Map([['median', [hundred]]]),
  )
  assert.deepEqual(
    answers.map(({ row, median }) => [row, median]),
    [
      ['median', 50],
      ['p99', 99],
    ],
  )
})

test('a row that was not measured has no answer', () => {
  assert.deepEqual(answersTo(question({ name: 'long', isLong: true }), new Map()), [])
})

test('the table says by how much, and whether targets are met', () => {
  const answers = answersTo(
    question(
      { name: 'base' },
      { name: 'good', against: 'base', target: { atLeast: 2 } },
      { name: 'bad', against: 'base', target: { atLeast: 2 } },
    ),
    new Map([
      ['base', [1000]],
      ['good', [2500]],
      ['bad', [500]],
    ]),
  )
  assert.equal(
    tableOf('jobs/s', 0, answers),
    `
| jobs/s | median |   min |   max | ratio       | target      |
| ------ | -----: | ----: | ----: | ----------- | ----------- |
| base   |  1,000 | 1,000 | 1,000 |             |             |
| good   |  2,500 | 2,500 | 2,500 | 2.50 × base | ≥ 2 met     |
| bad    |    500 |   500 |   500 | 0.50 × base | ≥ 2 NOT MET |`.trim(),
  )
})

test('a row that lacks something says how to install it, and rows are not compared with it', () => {
  const measurements = new Map([
    ['base', [{ missing: 'npm install it' }, { missing: 'npm install it' }]],
    ['own', [1000, 2000]],
  ])
  const answers = answersTo(question({ name: 'base' }, { name: 'own', against: 'base' }), measurements)
  assert.deepEqual(answers, [{ row: 'own', median: 1500, min: 1000, max: 2000, rounds: 2 }])
  assert.equal(
    tableOf('jobs/s', 0, answers, absencesIn(measurements)),
    `
| jobs/s | median |   min |   max | ratio                         | target |
| ------ | -----: | ----: | ----: | ----------------------------- | ------ |
| own    |  1,500 | 1,000 | 2,000 |                               |        |
| base   |        |       |       | not installed: npm install it |        |`.trim(),
  )
})

test('quick figures are not held against their target', () => {
  const answers = answersTo(
    question({ name: 'low', target: { atMost: 20 } }),
    new Map([['low', [500]]]),
    true,
  )
  assert.equal(answers[0]?.isMet, undefined)
  assert.doesNotMatch(tableOf('ms', 0, answers), /met/i)
})
