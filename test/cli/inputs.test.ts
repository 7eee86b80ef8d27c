import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureRun, folderWith, outputsIn, resultsIn, runCommand, startCommand } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'
import { openQueue } from '../support/queue.js'

test('inputs are the arguments, as strings, even empty ones and ones that begin with a dash', async (t) => {
  const folder = await temporaryDirectory(t)
  const { code, stdout, stderr } = await runCommand(t, folder, fixtureRun('echo', '--', 'b', '', '-a', '1'))
  assert.equal(code, 0, stderr)
  assert.deepEqual(outputsIn(stdout), [
    ['', ''],
    ['-a', '-a'],
    ['1', '1'],
    ['b', 'b'],
  ])
})

test('inputs are the lines of --input-file, or of standard input', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, 'list.txt'), 'one\ntwo\n')
  const fromFile = await runCommand(t, folder, fixtureRun('echo', '--input-file', 'list.txt'))
  assert.equal(fromFile.code, 0, fromFile.stderr)
  const expected = [
    ['one', 'one'],
    ['two', 'two'],
  ]
  assert.deepEqual(outputsIn(fromFile.stdout), expected)
  const fromStdin = await runCommand(t, folder, fixtureRun('echo', '--dir', 'other'), 'one\ntwo\n')
  assert.equal(fromStdin.code, 0, fromStdin.stderr)
  assert.deepEqual(outputsIn(fromStdin.stdout), expected)
})

test('lines end in LF or CRLF; blank ones, a byte order mark and a missing last end do not matter', async (t) => {
  const folder = await temporaryDirectory(t)
  const text = '\uFEFFone\r\n\r\n  \nt\u2028w\ro\n\nthree é'
  const { stdout } = await runCommand(t, folder, fixtureRun('echo'), text)
  assert.deepEqual(
    resultsIn(stdout).map(({ output }) => output),
    ['one', 'three é', 't\u2028w\ro'],
  )
})

test('--json parses each input, from arguments and from lines', async (t) => {
  const folder = await temporaryDirectory(t)
  const lines = '{"a":1,"b":2}\r\n\n{"a":10,"b":20}\n'
  const fromLines = await runCommand(t, folder, fixtureRun('add', '--json'), lines)
  assert.deepEqual(outputsIn(fromLines.stdout), [
    [{ a: 1, b: 2 }, 3],
    [{ a: 10, b: 20 }, 30],
  ])
  const fromArguments = await runCommand(t, folder, fixtureRun('echo', '--json', '"text"', '[null]'))
  assert.deepEqual(outputsIn(fromArguments.stdout), [
    [[null], [null]],
    ['text', 'text'],
  ])
})

test('the text "1" and the JSON number 1 are different inputs', async (t) => {
  const folder = await temporaryDirectory(t)
  const asText = await runCommand(t, folder, fixtureRun('echo', '1'))
  const asJson = await runCommand(t, folder, fixtureRun('echo', '--json', '1'))
  assert.deepEqual(outputsIn(asText.stdout), [['1', '1']])
  assert.deepEqual(outputsIn(asJson.stdout), [[1, 1]])
})

test('a line is run when it arrives, not when standard input ends', async (t) => {
  const folder = await temporaryDirectory(t)
  const command = startCommand(t, folder, fixtureRun('echo'))
  command.write('first\nsec')
  await command.shows('stdout', '"output":"first"')
  command.write('ond\n')
  await command.shows('stdout', '"output":"second"')
  command.end()
  assert.equal((await command.ended()).code, 0)
})

test('ten thousand lines give ten thousand results', async (t) => {
  const folder = await temporaryDirectory(t)
  const numbers = Array.from({ length: 10_000 }, (_, index) => index)
  const { code, stdout } = await runCommand(t, folder, fixtureRun('echo', '--json'), numbers.join('\n'))
  assert.equal(code, 0)
  const outputs = resultsIn(stdout).map(({ output }) => output as number)
  assert.deepEqual(
    outputs.sort((one, other) => one - other),
    numbers,
  )
})

test('an equal input has its result too when the job finishes while it is looked up', async (t) => {
  // Looking up the large one takes longer than running the others. Of an error little is printed.
  const folder = await folderWith(
    t,
    'large.mjs',
    `export default (input) =>
      input === 'large' ? Object.assign(new Error(), { bytes: new Uint8Array(6e7) }) : null`,
  )
  const command = startCommand(t, folder, ['run', 'large.mjs', '--max-workers', '1'])
  command.write('large\n')
  await command.shows('stdout', '"status":"completed"')
  command.end('small\nlarge\nsmall\n')
  const { code, stdout } = await command.ended()
  assert.equal(code, 0)
  assert.deepEqual(
    resultsIn(stdout).map(({ input }) => input),
    ['large', 'large', 'small', 'small'],
  )
})

test('inputs are read no further ahead than --buffer says', async (t) => {
  const folder = await temporaryDirectory(t)
  const command = startCommand(t, folder, fixtureRun('echo', '--buffer', '7'))
  command.write(Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join(''))
  await command.shows('stdout', '"status":"completed"', 100)
  command.kill('SIGKILL')
  await command.ended()
  const queue = await openQueue(t, { directory: join(folder, '.millrace'), maxWorkers: 0 })
  const { waiting, completed } = queue.counts()
  assert.ok(completed >= 100, `${completed} completed`)
  assert.ok(waiting <= 7, `${waiting} waiting`)
})
