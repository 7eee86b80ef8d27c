import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../../src/index.js'
import {
  folderWith,
  linesOfFile,
  outputsIn,
  resultsIn,
  runCommand,
  startCommand,
} from '../../support/command.js'
import { GATED, INPUTS, killHalfWay } from './gated.js'

/** The queue of a command in a folder, to be filled by hand. */
async function openDirectory(t: TestContext, directory: string, module: string): Promise<JobQueue> {
  const queue = await JobQueue.open(directory, {
    workers: { [module]: join(directory, '..', module) },
    maxWorkers: 0,
  })
  t.after(() => queue.close())
  return queue
}

test('jobs that were left stay if their inputs are not given again, until they are, or until --unfinished', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '--json', '--max-workers', '2']
  await killHalfWay(t, folder, args)
  await writeFile(join(folder, 'open'), '')
  const inputsOf = (stdout: string) =>
    resultsIn(stdout)
      .map(({ input }) => Number(input))
      .sort((one, other) => one - other)
  const before = (await linesOfFile(join(folder, 'runs.txt'))).length
  const runs = async () => (await linesOfFile(join(folder, 'runs.txt'))).slice(before).map(Number)

  const others = await runCommand(t, folder, args, '7\n21\n100\n')
  assert.deepEqual([others.code, inputsOf(others.stdout)], [0, [7, 21, 100]])
  assert.match(
    others.stderr,
    /^millrace: 19 jobs that earlier runs left stay in \.millrace, because their inputs were not given: --unfinished /m,
  )
  assert.deepEqual(
    (await runs()).sort((one, other) => one - other),
    [21, 100],
  )

  const given = await runCommand(t, folder, args, '39\n')
  assert.deepEqual([given.code, inputsOf(given.stdout)], [0, [39]])
  assert.match(given.stderr, /^millrace: nothing to restore: 22 jobs had finished before$/m)
  assert.match(given.stderr, /^millrace: 18 jobs that earlier runs left stay/m)
  assert.deepEqual((await runs()).slice(2), [39])

  const asked = await runCommand(t, folder, [...args, '--unfinished'], '7\n')
  const rest = [20, ...INPUTS.slice(22, 39)]
  assert.deepEqual([asked.code, inputsOf(asked.stdout)], [0, [7, ...rest]])
  assert.doesNotMatch(asked.stderr, /stay in/)
  assert.deepEqual(
    (await runs()).slice(3).sort((one, other) => one - other),
    rest,
  )
})

test('--unfinished runs what a killed run left too', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '--json', '--max-workers', '2']
  await killHalfWay(t, folder, args)
  await writeFile(join(folder, 'open'), '')
  const { code, stdout } = await runCommand(t, folder, [...args, '--unfinished'], '7\n')
  assert.equal(code, 0)
  assert.deepEqual(
    resultsIn(stdout)
      .map(({ input }) => Number(input))
      .sort((one, other) => one - other),
    [7, ...INPUTS.slice(20)],
  )
})

test('a left job does not run in the name of an input that it does not have', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '21']
  // What another made of the same name.
  const key = createHash('sha256').update('text "21"').digest('base64url')
  const queue = await openDirectory(t, join(folder, '.millrace'), 'gated.mjs')
  await queue.enqueue('gated.mjs', 666, { key })
  await queue.close()
  await writeFile(join(folder, 'open'), '')
  const { code, stdout } = await runCommand(t, folder, args)
  assert.equal(code, 0)
  assert.deepEqual(outputsIn(stdout), [['21', 42]])
  assert.deepEqual(await linesOfFile(join(folder, 'runs.txt')), ['21'])
})

test('thousands of left jobs stay, and thousands run with --unfinished', async (t) => {
  const folder = await folderWith(t, 'echo.mjs', 'export default (input) => input')
  const queue = await openDirectory(t, join(folder, '.millrace'), 'echo.mjs')
  await queue.enqueueMany('echo.mjs', new Array(1200).fill('left'))
  await queue.close()
  const args = ['run', './echo.mjs', 'given']
  const given = await runCommand(t, folder, args)
  assert.deepEqual(outputsIn(given.stdout), [['given', 'given']])
  assert.match(given.stderr, /^millrace: 1200 jobs that earlier runs left stay/m)
  const all = await runCommand(t, folder, [...args, '--unfinished'])
  assert.equal(resultsIn(all.stdout).length, 1201)
  assert.doesNotMatch(all.stderr, /stay in/)
})

test('one left job is told of in the singular, and its result is from one earlier run', async (t) => {
  const folder = await folderWith(t, 'echo.mjs', 'export default (input) => input')
  const queue = await openDirectory(t, join(folder, '.millrace'), 'echo.mjs')
  await queue.enqueue('echo.mjs', 'left')
  await queue.close()
  const { stderr } = await runCommand(t, folder, ['run', './echo.mjs', 'given'])
  assert.match(
    stderr,
    /^millrace: 1 job that an earlier run left stays in \.millrace, because its input was not given: --unfinished runs such jobs too$/m,
  )
  const again = await runCommand(t, folder, ['run', './echo.mjs', 'given', 'new'])
  assert.match(again.stderr, /^millrace: 1 of 2 results is from an earlier run$/m)
})

test('inputs that fill the buffer run, though left jobs are missing', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  await killHalfWay(t, folder, ['run', './gated.mjs', '--json', '--max-workers', '2'])
  await writeFile(join(folder, 'open'), '')
  const args = ['run', './gated.mjs', '--json', '--buffer', '2', '21', '22', '23']
  const { code, stdout } = await runCommand(t, folder, args)
  assert.deepEqual([code, resultsIn(stdout).map(({ input }) => input)], [0, [21, 22, 23]])
})

test('a new input runs at once, though left jobs are missing and more inputs may come', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '--json', '--max-workers', '2']
  await killHalfWay(t, folder, args)
  await writeFile(join(folder, 'open'), '')
  const command = startCommand(t, folder, args)
  command.write('100\n')
  await command.shows('stdout', '"output":200')
  command.write('20\n')
  await command.shows('stdout', '"output":40')
  command.end()
  const { code, stderr } = await command.ended()
  assert.equal(code, 0)
  assert.match(stderr, /^millrace: 19 jobs that earlier runs left stay/m)
})
