import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../support/command.js'
import { fileOf, flip, intactJobs, storedQueue } from '../support/damage.js'
import { temporaryDirectory } from '../support/directory.js'

test('repair says what was damaged and how many jobs there are now', async (t) => {
  const stored = await storedQueue(t)
  const table = await fileOf(stored.directory, /\.ldb$/)
  await flip(stored.directory, table, 0.5)
  await rm(join(stored.directory, 'CURRENT'))
  const { code, stdout, stderr } = await runCommand(t, stored.directory, ['repair', '.'])
  assert.equal(code, 0)
  const { jobs, dropped, files } = JSON.parse(stdout)
  assert.deepEqual([dropped, files], [0, [table]])
  const saved = (await intactJobs(t, stored)).length
  assert.equal(jobs.waiting + jobs.delayed + jobs.completed + jobs.failed, saved)
  assert.match(stderr, new RegExp(`${table} was damaged, it is kept as lost/${table}\\.damaged`))
  assert.match(stderr, new RegExp(`${saved} jobs are in \\. now`))
})

test('repair refuses what is no queue', async (t) => {
  const { code, stdout, stderr } = await runCommand(t, await temporaryDirectory(t), ['repair', '.'])
  assert.deepEqual([code, stdout], [2, ''])
  assert.equal(stderr, 'millrace: there is no queue in .: give the directory that holds the jobs\n')
})
