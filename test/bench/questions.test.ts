import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadQuestion, moduleOf, questionNames } from '../../bench/rounds.js'

for (const name of await questionNames())
  test(`${name}: rows have names of their own, and are compared with rows before them`, async () => {
    const { rows, title, how } = await loadQuestion(moduleOf(name))
    assert.ok(title.length > 0 && how.length > 0)
    const before = new Set<string>()
    for (const { name: row, against } of rows.flatMap((each) => [each, ...(each.also ?? [])])) {
      assert.ok(!before.has(row), `${row} stands there twice`)
      assert.ok(against === undefined || before.has(against), `${row} is compared with ${against}`)
      before.add(row)
    }
  })
