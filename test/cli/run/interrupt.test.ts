import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureRun, resultsIn, runCommand, startCommand } from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'
import { NO_MOUNT, smallDisk } from '../../support/disk.js'

// Windows has no way of sending Ctrl-C to a child.
const options = { skip: process.platform === 'win32' && 'signals cannot be sent' }
const FINISHING =
  'millrace: finishing what runs (Ctrl-C: stop at once); the same command goes on with the rest\n'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
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

test('a terminal that is closed may say so twice: what runs finishes all the same', options, async (t) => {
  const folder = await temporaryDirectory(t)
  const gate = join(folder, 'gate')
  const command = startCommand(t, folder, fixtureRun('gate', gate))
  await command.shows('stderr', 'at the gate')
  command.kill('SIGHUP')
  await command.shows('stderr', FINISHING)
  command.kill('SIGHUP')
  await writeFile(gate, '')
  const { code, stdout } = await command.ended()
  assert.deepEqual([code, resultsIn(stdout).map(({ status }) => status)], [130, ['completed']])
})

test(
  'when the directory is deleted while a full buffer waits, the error is said, and the exit code is 2',
  options,
  async (t) => {
    const folder = await temporaryDirectory(t)
    const command = startCommand(t, folder, fixtureRun('echo', '--buffer', '1'))
    // More than it can run before it looks at its directory again.
    command.write(Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join(''))
    await command.shows('stdout', '"status":"completed"')
    await rm(join(folder, '.millrace'), { recursive: true })
    const { code, stderr } = await command.ended()
    assert.equal(code, 2, stderr)
    assert.match(stderr, /^millrace: .*the queue has stopped: ENOENT/m)
    assert.doesNotMatch(stderr, /^ {4}at /m)
  },
)

test('when the disk is full while inputs may still come, the error is said, and the exit code is 2', {
  skip: NO_MOUNT,
}, async (t) => {
  const disk = await smallDisk(t, 8)
  const command = startCommand(t, disk, fixtureRun('echo', '--dir', join(disk, 'jobs')))
  command.write('first\n')
  await command.shows('stdout', '"output":"first"')
  for (let line = 0; line < 100; line++) command.write(`${line} ${'x'.repeat(200_000)}\n`)
  const { code, stderr } = await command.ended()
  assert.equal(code, 2, stderr)
  assert.match(stderr, /^millrace: .*the queue has stopped: .*make room on the disk/m)
})
