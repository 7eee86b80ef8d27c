import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../../bench/progress.js'

test('it says question, row and round, and the time left once each row has been measured', () => {
  const said: string[] = []
  let now = 0
  const progress = new Progress('disk', { write: (text) => said.push(text) }, () => now)
  const rows = ['fast', 'slow']
  for (const round of [1, 2, 3])
    for (const [row, ms] of [
      ['fast', 1000],
      ['slow', 9000],
    ] as const) {
      progress.begin({ row, rows, round, rounds: 3 })
      now += ms
    }
  progress.end()
  assert.deepEqual(said, [
    'disk: fast (row 1 of 2, round 1 of 3)\n',
    'disk: slow (row 2 of 2, round 1 of 3)\n',
    'disk: fast (row 1 of 2, round 2 of 3), 20 s left\n',
    'disk: slow (row 2 of 2, round 2 of 3), 19 s left\n',
    'disk: fast (row 1 of 2, round 3 of 3), 10 s left\n',
    'disk: slow (row 2 of 2, round 3 of 3), 9 s left\n',
  ])
})

test('on a terminal it takes one line, and clears it', () => {
  const said: string[] = []
  const progress = new Progress('disk', { isTTY: true, write: (text) => said.push(text) })
  progress.begin({ row: 'fast', rows: ['fast'], round: 1, rounds: 1 })
  progress.end()
  assert.deepEqual(said, ['\r\x1b[Kdisk: fast (row 1 of 1, round 1 of 1)', '\r\x1b[K'])
})
