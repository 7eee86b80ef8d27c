import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { tortureRound } from './torture.js'

test('a process killed a dozen times, while it runs or opens, loses no job, undoes no outcome, keeps the order', async (t) => {
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const tally = await tortureRound({ seed, kills: 12, jobsPerLife: 1000, longestLife: 250 })
  t.diagnostic(JSON.stringify(tally))
  assert.ok(tally.acknowledged > 0 && tally.completed > 0)
})
