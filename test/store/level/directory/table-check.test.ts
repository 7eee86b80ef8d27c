import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TableCheck } from '../../../../src/store/level/directory/table-check.js'
import { temporaryDirectory } from '../../../support/directory.js'

/** A directory in which a table that is no table is checked after one that LevelDB has merged into others. */
async function withDamaged(t: TestContext): Promise<TableCheck> {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, '000001.ldb'), Buffer.alloc(100, 1))
  // The check itself keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  return new TableCheck(directory, ['000001.ldb', '000002.ldb'])
}

test('a damaged table is told, whatever was merged meanwhile', async (t) => {
  const check = await withDamaged(t)
  const told = await new Promise((resolve) => check.checkRest(resolve))
  assert.equal((told as { code?: unknown }).code, 'MILLRACE_CORRUPT')
  await check.stop()
})

test('checking the tables keeps no process alive, and ends when it is stopped', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const check = await withDamaged(t)
  const before = timers()
  const told: unknown[] = []
  check.checkRest((error) => told.push(error))
  assert.equal(timers(), before)
  await check.stop()
  assert.deepEqual(told, [])
})
