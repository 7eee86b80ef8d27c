import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import {
  fixtureRun,
  folderWith,
  linesOfFile,
  outputsIn,
  resultsIn,
  runCommand,
  startCommand,
} from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'
import { GATED, INPUTS, killHalfWay } from './gated.js'

test('the same command after a kill goes on: one outcome for each input, and what had finished is not repeated', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '--json', '--max-workers', '2']
  const reported = await killHalfWay(t, folder, args)
  assert.equal(reported.size, 20)
  await writeFile(join(folder, 'open'), '')
  const { code, stdout, stderr } = await runCommand(t, folder, args, INPUTS.join('\n'))
  assert.equal(code, 0, stderr)
  const results = resultsIn(stdout).map(({ input, output }) => [input, output] as [number, number])
  assert.deepEqual(
    results.sort(([one], [other]) => one - other),
    INPUTS.map((input) => [input, input * 2]),
  )
  assert.match(
    stderr,
    /^millrace: restored 20 jobs \(\d+ of them had been running\); 20 had finished before$/m,
  )
  const runs = (await linesOfFile(join(folder, 'runs.txt'))).map(Number)
  assert.deepEqual(
    [...new Set(runs)].sort((one, other) => one - other),
    INPUTS,
  )
  const repeated = runs.filter((input, index) => runs.indexOf(input) !== index)
  assert.ok(repeated.length <= 2, `only what was running may run twice, not ${repeated}`)
  for (const input of repeated) assert.ok(!reported.has(input), `${input} was reported`)
})

test('results from earlier runs are counted, and a module that has changed since is named', async (t) => {
  const folder = await folderWith(t, 'worker.mjs', 'export default (input) => input + 1')
  const args = ['run', './worker.mjs', '--json', '--quiet']
  await runCommand(t, folder, [...args, '1', '2'])
  assert.equal((await runCommand(t, folder, [...args, '1', '2'])).stderr, '', 'quiet')
  const same = await runCommand(t, folder, ['run', './worker.mjs', '--json', '1', '2', '3'])
  assert.match(same.stderr, /^millrace: 2 of 3 results are from earlier runs$/m)

  await writeFile(join(folder, 'worker.mjs'), 'export default (input) => input + 2')
  const changed = await runCommand(t, folder, [...args, '1', '2', '4'])
  assert.deepEqual(outputsIn(changed.stdout), [
    [1, 2],
    [2, 3],
    [4, 6],
  ])
  assert.equal(
    changed.stderr,
    'millrace: 2 of 3 results are from earlier runs; worker.mjs has changed since 2 of them: --fresh runs all inputs anew\n',
  )

  const fresh = await runCommand(t, folder, [...args, '--fresh', '1', '2', '1'])
  assert.deepEqual(outputsIn(fresh.stdout), [
    [1, 3],
    [1, 3],
    [2, 4],
  ])
  assert.equal(fresh.stderr, '')
  const after = await runCommand(t, folder, [...args, '1', '2', '3'])
  assert.deepEqual(outputsIn(after.stdout), [
    [1, 3],
    [2, 4],
    [3, 4],
  ])
  assert.match(
    after.stderr,
    /^millrace: 3 of 3 results are from earlier runs; worker\.mjs has changed since 1 of them: /,
  )
})

test('a module that was touched but not changed, or a job that the new version ran, is not called outdated', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '--json', '--quiet', '20']
  const command = startCommand(t, folder, args)
  command.end()
  while (!existsSync(join(folder, 'runs.txt'))) await setTimeout(5)
  command.kill('SIGKILL')
  await command.ended()
  await writeFile(join(folder, 'gated.mjs'), `${GATED} // another version`)
  await writeFile(join(folder, 'open'), '')
  assert.deepEqual(outputsIn((await runCommand(t, folder, args)).stdout), [[20, 40]])
  const { stderr } = await runCommand(t, folder, args)
  assert.equal(stderr, '')
  await runCommand(t, folder, [...args, '1'])
  await utimes(join(folder, 'gated.mjs'), new Date(), new Date())
  assert.equal((await runCommand(t, folder, ['run', './gated.mjs', '--json', '--quiet', '1'])).stderr, '')
})

test('a rerun prints the same results and runs nothing', async (t) => {
  const folder = await folderWith(t, 'gated.mjs', GATED)
  const args = ['run', './gated.mjs', '3', '1', '2', '1']
  const first = await runCommand(t, folder, args)
  const second = await runCommand(t, folder, args)
  assert.deepEqual([first.code, second.code], [0, 0])
  assert.deepEqual(resultsIn(second.stdout), resultsIn(first.stdout))
  assert.equal(resultsIn(second.stdout).length, 4)
  assert.match(second.stderr, /^millrace: nothing to restore: 3 jobs had finished before$/m)
  assert.match(second.stderr, /^millrace: 4 of 4 done, 0 failed, 0 running, 0\.0\/s, 0 s left$/m)
  assert.equal((await linesOfFile(join(folder, 'runs.txt'))).length, 3)
})

test('a new directory restores nothing, and nothing is said of it', async (t) => {
  const folder = await temporaryDirectory(t)
  const { stderr } = await runCommand(t, folder, fixtureRun('echo', '1'))
  assert.match(stderr, /^millrace: 1 of 1 done, [^\n]*\n$/)
})

test('what failed stays failed, until --retry-failed', async (t) => {
  const folder = await folderWith(
    t,
    'wanting.mjs',
    `import { appendFileSync, existsSync } from 'node:fs'
    export default (input) => {
      appendFileSync('runs.txt', input + '\\n')
      if (input !== 'fine' && !existsSync(input)) throw new Error('no ' + input)
      return 'found'
    }`,
  )
  const args = ['run', './wanting.mjs', '--attempts', '1', 'fine', 'a', 'b', 'a']
  const statuses = (stdout: string) => resultsIn(stdout).map(({ input, status }) => `${input} ${status}`)
  const failed = ['a failed', 'a failed', 'b failed', 'fine completed']
  const first = await runCommand(t, folder, args)
  assert.deepEqual([first.code, statuses(first.stdout)], [1, failed])
  await mkdir(join(folder, 'a'))
  const same = await runCommand(t, folder, args)
  assert.deepEqual([same.code, statuses(same.stdout)], [1, failed])
  assert.equal((await linesOfFile(join(folder, 'runs.txt'))).length, 3)
  const retried = await runCommand(t, folder, [...args, '--retry-failed'])
  assert.deepEqual(
    [retried.code, statuses(retried.stdout)],
    [1, ['a completed', 'a completed', 'b failed', 'fine completed']],
  )
  assert.deepEqual((await linesOfFile(join(folder, 'runs.txt'))).slice(3).sort(), ['a', 'b'])
})

test('--retry-failed does not run again what has failed in this run, though an equal input comes later', async (t) => {
  const folder = await folderWith(
    t,
    'failing.mjs',
    `import { appendFileSync } from 'node:fs'
    export default (input) => {
      appendFileSync('runs.txt', input + '\\n')
      throw new Error('never')
    }`,
  )
  const args = ['run', './failing.mjs', '--attempts', '1', '--retry-failed']
  const command = startCommand(t, folder, args)
  command.write('a\n')
  await command.shows('stdout', '"status":"failed"')
  command.end('a\nb\n')
  const { code, stdout } = await command.ended()
  assert.equal(code, 1)
  assert.deepEqual(
    resultsIn(stdout).map(({ input }) => input),
    ['a', 'a', 'b'],
  )
  assert.deepEqual(await linesOfFile(join(folder, 'runs.txt')), ['a', 'b'])
})

test('a directory serves several worker modules and exports, each with jobs of its own', async (t) => {
  const folder = await folderWith(
    t,
    'gated.mjs',
    `${GATED}
    export const negative = (input) => -input`,
  )
  const args = ['run', './gated.mjs', '--json', '--max-workers', '2']
  await killHalfWay(t, folder, args)
  const other = await runCommand(t, folder, [...args, '--export', 'negative', '1', '30'])
  assert.deepEqual(outputsIn(other.stdout), [
    [1, -1],
    [30, -30],
  ])
  assert.match(other.stderr, /^millrace: 20 jobs of other worker modules wait in \.millrace$/m)
})

test('a directory that another process has open is refused, and the process is named', async (t) => {
  const folder = await temporaryDirectory(t)
  const holder = startCommand(t, folder, fixtureRun('gate', join(folder, 'gate')))
  holder.end()
  await holder.shows('stderr', 'at the gate')
  const { code, stdout, stderr } = await runCommand(t, folder, fixtureRun('echo', 'x'))
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
  assert.match(
    stderr,
    new RegExp(
      `^millrace: .*\\.millrace is already open in another process \\(process ${holder.pid} .* --dir <directory>\n$`,
    ),
  )
  await writeFile(join(folder, 'gate'), '')
  assert.equal((await holder.ended()).code, 0)
})
