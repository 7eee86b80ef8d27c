import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureRun, resultsIn, runCommand, startCommand } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'

// Windows has no way of sending Ctrl-C to a child.
const options = { skip: process.platform === 'win32' && 'signals cannot be sent' }
const FINISHING =
  'millrace: finishing what runs (Ctrl-C: stop at once); the same command goes on with the rest\n'

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} finishes what runs, keeps the rest, and the same command goes on`, options, async (t) => {
    const folder = await temporaryDirectory(t)
    const gates = ['a', 'b', 'c', 'd'].map((name) => join(folder, name))
    const args = fixtureRun('gate', '--max-workers', '2', ...gates)
    const command = startCommand(t, folder, args)
    await command.shows('stderr', 'at the gate', 2)
    command.kill(signal)
    await command.shows('stderr', FINISHING)
    for (const gate of gates) await writeFile(gate, '')
    const { code, stdout, stderr } = await command.ended()
    assert.equal(code, 130)
    assert.deepEqual(
      resultsIn(stdout).map(({ input, status }) => [input, status]),
      gates.slice(0, 2).map((gate) => [gate, 'completed']),
    )
    assert.equal(stderr.split('at the gate').length, 3, 'no other job has started')
    const again = await runCommand(t, folder, args)
    assert.equal(again.code, 0)
    assert.equal(resultsIn(again.stdout).length, 4)
    assert.match(again.stderr, /^millrace: restored 2 jobs; 2 had finished before$/m)
    assert.equal(again.stderr.split('at the gate').length, 3, 'the others only')
  })

test('a second Ctrl-C stops at once, and what ran is restored', options, async (t) => {
  const folder = await temporaryDirectory(t)
  const args = fixtureRun('block', '--attempts', '1000', 'x')
  const command = startCommand(t, folder, args)
  await command.shows('stderr', 'blocking')
  command.kill('SIGINT')
  await command.shows('stderr', FINISHING)
  command.kill('SIGINT')
  const { code, stdout } = await command.ended()
  assert.deepEqual({ code, stdout }, { code: 130, stdout: '' })
  const again = startCommand(t, folder, args)
  await again.shows(
    'stderr',
    'millrace: restored 1 job (1 of them had been running); 0 had finished before\n',
  )
  await again.shows('stderr', 'blocking')
})

test('Ctrl-C ends a wait for more inputs', options, async (t) => {
  const folder = await temporaryDirectory(t)
  const command = startCommand(t, folder, fixtureRun('echo'))
  command.write('first\n')
  await command.shows('stdout', '"output":"first"')
  command.kill('SIGINT')
  const { code, stderr } = await command.ended()
  assert.equal(code, 130)
  assert.ok(stderr.endsWith(FINISHING), stderr)
})

test('Ctrl-C ends a wait for room in the buffer', options, async (t) => {
  const folder = await temporaryDirectory(t)
  const gate = join(folder, 'gate')
  const command = startCommand(t, folder, fixtureRun('gate', '--buffer', '1', gate, join(folder, 'never')))
  await command.shows('stderr', 'at the gate')
  command.kill('SIGINT')
  await command.shows('stderr', FINISHING)
  await writeFile(gate, '')
  const { code, stdout } = await command.ended()
  assert.deepEqual([code, resultsIn(stdout).map(({ input }) => input)], [130, [gate]])
})
