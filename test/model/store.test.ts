import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSequences } from './soak.js'

test('whatever steps are taken, crashes among them, the store and a model of a few lines agree', async () => {
  const { steps } = await runSequences({ seed: 20_251_124, count: 150 })
  assert.ok(steps > 1500, `${steps} steps`)
})
