import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { fuzz, TARGET_NAMES } from './fuzz.js'

for (const name of TARGET_NAMES)
  test(`of changed ${name} each is taken or refused with a clean error, in bounded memory`, async (t) => {
    const seed = randomInt(2 ** 31)
    t.diagnostic(`seed ${seed}`)
    const figures = await fuzz(name, seed, Date.now())
    t.diagnostic(JSON.stringify(figures))
    // Of few inputs all may be taken by chance.
    const { taken, refused } = figures
    assert.ok(taken + refused < 500 || (taken > 0 && refused > 0))
  })
