import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHead } from '../../src/job/head-shape.js'

test('a head whose members are of their kinds is one, and one with any other member is none', () => {
  const head = { attempt: 1, key: 'k', alone: true, meta: Uint8Array.of(1), runAt: 0.5, backoff: [1, 2] }
  for (const right of [{}, head, { attempt: undefined }, { backoff: { base: 5, jitter: 0 } }])
    assert.equal(isHead(right), true, JSON.stringify(right))
  const wrong = [
    undefined,
    null,
    [],
    { attempt: -1 },
    { attempt: 0.5 },
    { runAt: Number.NaN },
    { runAt: -1 },
    { key: 5 },
    { alone: 1 },
    { meta: [1] },
    { backoff: '5s' },
    { backoff: ['5s'] },
    { backoff: -1 },
    { backoff: { base: -1 } },
    { backoff: [] },
    { failures: [{}] },
    { unknown: 1 },
  ]
  for (const each of wrong) assert.equal(isHead(each), false, JSON.stringify(each))
})
