import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import {
  commandLine,
  fixtureRun,
  folderWith,
  resultsIn,
  runCommand,
  startCommand,
} from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'
import { openQueue } from '../../support/queue.js'

test('each input has one line with id, status, input and output, and equal inputs run once', async (t) => {
  const folder = await folderWith(
    t,
    'count.mjs',
    `let runs = 0
    export default (input) => ({ input, runs: ++runs })`,
  )
  const args = ['run', './count.mjs', '--max-workers', '1', 'b', 'a', 'b', 'c', 'b']
  const { code, stdout } = await runCommand(t, folder, args)
  assert.equal(code, 0)
  const results = resultsIn(stdout)
  assert.deepEqual(
    results.map(({ status, input }) => [status, input]),
    ['a', 'b', 'b', 'b', 'c'].map((input) => ['completed', input]),
  )
  for (const result of results) {
    assert.match(result.id, /^[0-9a-f]{24}$/)
    assert.deepEqual(Object.keys(result), ['id', 'status', 'input', 'output'])
  }
  assert.equal(new Set(results.map(({ id }) => id)).size, 3)
  const runs = results.map(({ output }) => (output as { runs: number }).runs)
  assert.deepEqual(runs, [2, 1, 1, 1, 3], 'the order of the jobs is b, a, c')
})

test('a job that fails has its error in place of an output, and the exit code is 1', async (t) => {
  const folder = await folderWith(
    t,
    'picky.mjs',
    `export default (input) => {
      if (input === 'bad') throw Object.assign(new RangeError('too bad'), { code: 'E_BAD' })
      if (input === 'ugly') throw 'a text'
      return input.length
    }`,
  )
  const args = ['run', './picky.mjs', '--attempts', '1', 'good', 'bad', 'ugly']
  const { code, stdout, stderr } = await runCommand(t, folder, args)
  assert.equal(code, 1)
  assert.match(stderr, /^millrace: 3 of 3 done, 2 failed, 0 running, /m)
  const [bad, good, ugly] = resultsIn(stdout).map(({ id: _id, ...rest }) => rest)
  const { error: { stack = '', ...error } = { message: '' }, ...rest } = bad ?? { error: { message: '' } }
  assert.deepEqual(rest, { status: 'failed', input: 'bad', attempts: 1 })
  assert.deepEqual(error, { name: 'RangeError', message: 'too bad', code: 'E_BAD' })
  assert.match(stack, /^RangeError: too bad\n +at .*picky\.mjs:2:\d+/)
  assert.deepEqual(good, { status: 'completed', input: 'good', output: 4 })
  assert.deepEqual(ugly, {
    status: 'failed',
    input: 'ugly',
    attempts: 1,
    error: { name: 'NonError', message: 'thrown: a text' },
  })
})

test('a job is tried --attempts times, and stopped after --timeout', async (t) => {
  const folder = await temporaryDirectory(t)
  const failed = await runCommand(t, folder, fixtureRun('failUntil', '--json', '--attempts', '2', '2', '3'))
  assert.equal(failed.code, 1)
  assert.deepEqual(
    resultsIn(failed.stdout).map(({ output, attempts, error }) => output ?? [attempts, error?.message]),
    [2, [2, 'attempt 2 is too early']],
  )
  for (const [given, timeout] of [
    ['20', 20],
    ['0.02s', 20],
    ['30ms', 30],
  ] as const) {
    const args = fixtureRun('block', '--attempts', '1', '--timeout', given, given)
    const late = await runCommand(t, folder, args)
    assert.equal(late.code, 1)
    const error = resultsIn(late.stdout)[0]?.error
    assert.deepEqual(
      [error?.code, error?.message],
      ['MILLRACE_TIMEOUT', `the job ran longer than its timeout of ${timeout} ms`],
    )
  }
})

test('what JSON does not know is written as the help says', async (t) => {
  const folder = await folderWith(
    t,
    'odd.mjs',
    `const values = {
      nothing: undefined,
      numbers: [NaN, Infinity, -0, 1.5],
      big: { n: 12345678901234567890n },
      bytes: [Buffer.from('hi'), Uint8Array.of(1, 2), Uint8Array.of(3).buffer, new DataView(new ArrayBuffer(2))],
      typed: [Float64Array.of(1, NaN), Int16Array.of(-1), BigInt64Array.of(7n)],
      map: new Map([[{ key: 1 }, new Set(['a', new Map([['b', 2n]])])]]),
      date: [new Date(0), { at: new Date(1000) }],
      error: [new TypeError('wrong', { cause: 1 })],
      pattern: /a+/gi,
      text: 'line\\nbreak \\u2028 \\ud800',
    }
    export default (name) => values[name]`,
  )
  const expected = {
    big: { n: '12345678901234567890' },
    bytes: ['aGk=', 'AQI=', 'Aw==', 'AAA='],
    date: ['1970-01-01T00:00:00.000Z', { at: '1970-01-01T00:00:01.000Z' }],
    error: [{ name: 'TypeError', message: 'wrong' }],
    map: [[{ key: 1 }, ['a', [['b', '2']]]]],
    nothing: null,
    numbers: [null, null, 0, 1.5],
    pattern: '/a+/gi',
    text: 'line\nbreak \u2028 \ud800',
    typed: [[1, null], [-1], ['7']],
  }
  const { code, stdout, stderr } = await runCommand(t, folder, ['run', './odd.mjs', ...Object.keys(expected)])
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    Object.fromEntries(resultsIn(stdout).map(({ input, output }) => [input, output])),
    expected,
  )
})

test('an output too large for a line of JSON has an error in its place, and the exit code is 1', async (t) => {
  const folder = await folderWith(t, 'sparse.mjs', 'export default (length) => new Array(length)')
  const args = ['run', './sparse.mjs', '--json', '2', '300000000']
  const { code, stdout, stderr } = await runCommand(t, folder, args)
  assert.equal(code, 1, stderr)
  const message = 'the output cannot be written as JSON: Invalid string length'
  assert.deepEqual(
    resultsIn(stdout).map(({ status, output, error }) => [status, output ?? error]),
    [
      ['completed', [null, null]],
      ['completed', { message }],
    ],
  )
})

test('what a job logs or prints goes to standard error, and --quiet leaves nothing else there', async (t) => {
  const folder = await temporaryDirectory(t)
  const { stdout, stderr } = await runCommand(t, folder, fixtureRun('chat', '--json', '--quiet', '2'))
  assert.deepEqual(stderr.trimEnd().split('\n').sort(), ['line 1', 'line 2', 'printed by a worker'])
  assert.deepEqual(
    resultsIn(stdout).map(({ status }) => status),
    ['completed'],
  )
})

test('control characters are escaped in logs and in results, whose values stay the same', async (t) => {
  const folder = await folderWith(
    t,
    'rude.mjs',
    'export default (input, job) => { job.log(input); return { [input]: input } }',
  )
  const rude = 'a\x1b[2J\x7f\x9b\u061c\u200e\u202e\u2066\u2028z'
  const { stdout, stderr } = await runCommand(t, folder, ['run', './rude.mjs', '--quiet', rude])
  const shown = 'a\\u001b[2J\\u007f\\u009b\\u061c\\u200e\\u202e\\u2066\\u2028z'
  assert.equal(stderr, `${shown}\n`)
  assert.ok(stdout.includes(`"output":{"${shown}":"${shown}"}`), stdout)
  assert.deepEqual(resultsIn(stdout)[0]?.output, { [rude]: rude })
})

test('--priority and --attempts are kept with the job', async (t) => {
  const folder = await temporaryDirectory(t)
  const args = fixtureRun('echo', '--priority', '-7', '--attempts', '12', 'x')
  const [result] = resultsIn((await runCommand(t, folder, args)).stdout)
  const queue = await openQueue(t, { directory: join(folder, '.millrace'), maxWorkers: 0 })
  const job = await queue.job(result?.id ?? '')
  assert.deepEqual([job?.priority, job?.attempts], [-7, 12])
})

test('when nobody reads the results any more, what runs finishes and the rest is kept', async (t) => {
  const folder = await temporaryDirectory(t)
  const command = startCommand(t, folder, fixtureRun('echo'))
  command.write('first\n')
  await command.shows('stdout', '"output":"first"')
  command.close('stdout')
  // Standard input stays open: it is not its end that ends the command.
  command.write('second\n')
  const { code, stderr } = await command.ended()
  assert.equal(code, 130)
  assert.match(stderr, /^millrace: nobody reads the results: finishing what runs/m)
  assert.doesNotMatch(stderr, /EPIPE|Error/)
  const { stdout } = await runCommand(t, folder, fixtureRun('echo'), 'first\nsecond\n')
  assert.deepEqual(
    resultsIn(stdout).map(({ output }) => output),
    ['first', 'second'],
  )
})

test('when nobody reads what is said, the results are written all the same', async (t) => {
  const folder = await temporaryDirectory(t)
  const command = startCommand(t, folder, fixtureRun('chat', '--json'))
  command.write('1\n')
  await command.shows('stderr', 'line 1')
  command.close('stderr')
  command.end('2\n3\n')
  const { code, stdout } = await command.ended()
  assert.equal(code, 0)
  assert.equal(stdout.split('"status":"completed"').length, 4)
})

test('when the results cannot be written, the reason is said, what runs finishes, and the exit code is 2', {
  skip: !existsSync('/dev/full') && 'there is no /dev/full',
}, async (t) => {
  const folder = await temporaryDirectory(t)
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const [program, ...args] = commandLine(fixtureRun('echo', '1', '2', '3'))
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', full, 'pipe', 'pipe'] })
  assert.ok(child.stderr)
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  assert.equal(code, 2)
  assert.match(stderr, /^millrace: the results cannot be written \(ENOSPC: [^)]*\): finishing what runs /m)
  const again = await runCommand(t, folder, fixtureRun('echo', '1', '2', '3'))
  assert.deepEqual([again.code, resultsIn(again.stdout).length], [0, 3])
})

test('what a worker logs too fast to be shown is counted', async (t) => {
  const folder = await folderWith(
    t,
    'chatty.mjs',
    `export default (_input, job) => { for (let line = 0; line < 50_000; line++) job.log('line ' + line) }`,
  )
  const { code, stderr } = await runCommand(t, folder, ['run', './chatty.mjs', 'input'])
  assert.equal(code, 0)
  const shown = stderr.match(/^line \d+$/gm) ?? []
  const missing = [...stderr.matchAll(/^millrace: (\d+) lines came too fast and are not shown$/gm)]
  const sum = missing.reduce((total, [, count]) => total + Number(count), 0)
  assert.equal(shown.length + sum, 50_000)
  assert.ok(missing.length > 0)
  assert.equal(shown.at(-1), 'line 49999')
})
