import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { test } from 'node:test'
import {
  commandLine,
  fixtureRun,
  folderWith,
  outputsIn,
  type ResultLine,
  resultsIn,
  runCommand,
  startCommand,
} from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

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

test('a byte order mark counts at the very start only, and spaces of other kinds make a line no blank one', async (t) => {
  const folder = await temporaryDirectory(t)
  const text = '\uFEFFa\n\uFEFFa\n\uFEFF\n\u00A0\n \t\n'
  const { code, stdout } = await runCommand(t, folder, fixtureRun('echo'), text)
  assert.equal(code, 0)
  assert.deepEqual(
    resultsIn(stdout).map(({ output }) => output),
    ['a', '\u00A0', '\uFEFF', '\uFEFFa'],
  )
})

test('a line that cannot be run is a failed result with its number, the others run, and the exit code is 1', async (t) => {
  const folder = await temporaryDirectory(t)
  const bad = Buffer.concat([
    Buffer.from('"one"\n\n{"a":\n'),
    Buffer.from('"d\xe9j\xe0"\n', 'latin1'),
    Buffer.from(`${'['.repeat(600)}${']'.repeat(600)}\n"two"\n`),
  ])
  await writeFile(join(folder, 'list.txt'), bad)
  const args = fixtureRun('echo', '--json', '--input-file', 'list.txt')
  for (const run of ['first', 'again']) {
    const { code, stdout, stderr } = await runCommand(t, folder, args)
    assert.equal(code, 1, run)
    assert.match(stderr, /^millrace: 5 of 5 done, 3 failed, /m)
    const results = resultsIn(stdout)
    assert.deepEqual(
      results.filter(({ status }) => status === 'completed').map(({ output }) => output),
      ['one', 'two'],
    )
    const refused = results
      .filter(({ line }) => line !== undefined)
      .sort((one, other) => Number(one.line) - Number(other.line))
    assert.deepEqual(
      refused.map(({ id, status, line, attempts, error }) => [id, status, line, attempts, error?.code]),
      [
        [undefined, 'failed', 3, 0, 'MILLRACE_INPUT'],
        [undefined, 'failed', 4, 0, 'MILLRACE_INPUT'],
        [undefined, 'failed', 5, 0, 'MILLRACE_VALUE'],
      ],
    )
    const [json, utf8, deep] = refused.map(({ error }) => error?.message ?? '')
    assert.match(json ?? '', /^line 3 of list\.txt is not JSON: /)
    assert.equal(utf8, 'line 4 of list.txt is not UTF-8')
    assert.match(deep ?? '', /^line 5 of list\.txt is refused: input.* 500 levels/)
  }
})

test('a line of 100 MB is a failed result, and the lines around it run', async (t) => {
  const folder = await temporaryDirectory(t)
  const file = await open(join(folder, 'large.txt'), 'w')
  await file.write('one\n')
  for (let megabytes = 0; megabytes < 100; megabytes++) await file.write(Buffer.alloc(1_000_000, 'x'))
  await file.write('\ntwo\n')
  await file.close()
  const { code, stdout } = await runCommand(t, folder, fixtureRun('echo', '--input-file', 'large.txt'))
  assert.equal(code, 1)
  assert.deepEqual(
    resultsIn(stdout).map(({ line, output, error }) => output ?? [line, error?.message]),
    [
      [2, 'line 2 of large.txt is longer than 67108864 bytes: put the data in a file and give its path'],
      'one',
      'two',
    ],
  )
})

test('JSON numbers arrive as they were written, or their line is refused', async (t) => {
  const folder = await temporaryDirectory(t)
  const lines = '50000000014435121\n50000000014435122\n1e400\nnull\n-0\n0\n{"n":-0}\n{"n":0}\n'
  const { code, stdout } = await runCommand(t, folder, fixtureRun('echo', '--json'), lines)
  assert.equal(code, 1)
  const results = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ResultLine)
  const refused = results.filter(({ status }) => status === 'failed')
  assert.deepEqual(
    refused.map(({ line }) => line),
    [1, 2, 3],
  )
  assert.match(refused[2]?.error?.message ?? '', /the number 1e400 would become Infinity/)
  assert.equal(new Set(results.flatMap(({ id }) => id ?? [])).size, 5, 'null, -0, 0, {-0} and {0}')
})

test('a directory for standard input is refused', async (t) => {
  const folder = await temporaryDirectory(t)
  const handle = await open(folder)
  t.after(() => handle.close())
  const [program, ...args] = commandLine(fixtureRun('echo'))
  const child = spawn(program, args, { cwd: folder, stdio: [handle.fd, 'ignore', 'pipe', 'pipe'] })
  assert.ok(child.stderr)
  const [stderr, [code]] = await Promise.all([readText(child.stderr), once(child, 'close')])
  assert.equal(code, 2)
  assert.match(stderr, /^millrace: standard input is a directory: give a file, /)
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
  const command = startCommand(t, folder, ['run', './large.mjs', '--max-workers', '1'])
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
