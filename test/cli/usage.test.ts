import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureRun, runCommand } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'

const WRONG: { what: string; args: string[]; says: RegExp }[] = [
  { what: 'an unknown command', args: ['walk'], says: /unknown command 'walk'/ },
  { what: 'an unknown option', args: fixtureRun('echo', '--faster', 'x'), says: /unknown option '--faster'/ },
  { what: 'no worker module', args: ['run'], says: /missing required argument 'worker module'/ },
  {
    what: 'a missing worker module',
    args: ['run', './nope.mjs', 'x'],
    says: /^millrace: there is no worker module \.\/nope\.mjs: /,
  },
  {
    what: 'a folder for a worker module',
    args: ['run', './folder', 'x'],
    says: /no worker module \.\/folder: no such file/,
  },
  {
    what: 'a ready-made worker that does not exist',
    args: ['run', 'millrace/workers/nope', 'x'],
    says: /there is no worker module millrace\/workers\/nope that a package exports/,
  },
  {
    what: 'a file that is named like a package',
    args: ['run', 'list.txt', 'x'],
    says: /no worker module list\.txt that a package exports, .*; for the file write \.\/list\.txt$/m,
  },
  {
    what: 'an argument with a number that is no double',
    args: fixtureRun('echo', '--json', '1', '50000000014435121'),
    says: /^millrace: input 2 would not arrive as it is written: the number 50000000014435121 would become 50000000014435120: /m,
  },
  {
    what: 'control characters in a name',
    args: fixtureRun('echo', '--input-file', 'a\x1b[2J\u202eb\x9b'),
    says: /^millrace: there is no input file a\\u001b\[2J\\u202eb\\u009b$/m,
  },
  {
    what: 'control characters in an option',
    args: fixtureRun('echo', '--a\x1b[2J', 'x'),
    says: /^error: unknown option '--a\\u001b\[2J'$/m,
  },
  {
    what: 'a missing input file',
    args: fixtureRun('echo', '--input-file', 'nope.txt'),
    says: /^millrace: there is no input file nope\.txt$/m,
  },
  {
    what: 'a folder for an input file',
    args: fixtureRun('echo', '--input-file', 'folder'),
    says: /the input file folder is a directory/,
  },
  {
    what: 'two sources of inputs',
    args: fixtureRun('echo', '--input-file', 'list.txt', 'x'),
    says: /as arguments or in --input-file, not both/,
  },
  {
    what: 'too few workers',
    args: fixtureRun('echo', '--max-workers', '0', 'x'),
    says: /integer from 1 to 1024/,
  },
  {
    what: 'half an attempt',
    args: fixtureRun('echo', '--attempts', '1.5', 'x'),
    says: /integer from 1 to 1000/,
  },
  {
    what: 'a word for a time',
    args: fixtureRun('echo', '--timeout', 'soon', 'x'),
    says: /--timeout .*'soon' is invalid.* a duration of at most 100 years: .*'5s', '10m'.* got "soon"$/m,
  },
  {
    what: 'a time below zero',
    args: fixtureRun('echo', '--timeout', '-5s', 'x'),
    says: /a duration of at most 100 years/,
  },
  {
    what: 'no time',
    args: fixtureRun('echo', '--timeout', '', 'x'),
    says: /a duration of at most 100 years/,
  },
  {
    what: 'a priority out of range',
    args: fixtureRun('echo', '--priority', '-32769', 'x'),
    says: /integer from -32768 to 32767/,
  },
  { what: 'no buffer', args: fixtureRun('echo', '--buffer', '', 'x'), says: /--buffer .* is invalid/ },
  {
    what: 'an argument that is not JSON',
    args: fixtureRun('echo', '--json', '1', 'x'),
    says: /^millrace: input 2 is not JSON: /m,
  },
  {
    what: 'a directory that holds something else',
    args: fixtureRun('echo', '--dir', 'folder', 'x'),
    says: /thesis\.txt/,
  },
]

for (const { what, args, says } of WRONG)
  test(`${what} is refused with exit code 2, and without results`, async (t) => {
    const folder = await temporaryDirectory(t)
    await mkdir(join(folder, 'folder'))
    await writeFile(join(folder, 'folder', 'thesis.txt'), 'important')
    await writeFile(join(folder, 'list.txt'), 'one\n')
    const { code, stdout, stderr } = await runCommand(t, folder, args)
    assert.match(stderr, says)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
    assert.doesNotMatch(stderr, /^ {4}at /m, 'a stack trace')
  })

test('a command that is refused before its inputs are read makes no directory', async (t) => {
  const folder = await temporaryDirectory(t)
  await runCommand(t, folder, ['run', './nope.mjs', 'x'])
  await runCommand(t, folder, fixtureRun('echo', '--input-file', 'nope.txt'))
  await runCommand(t, folder, fixtureRun('echo', '--json', '{'))
  assert.deepEqual(await readdir(folder), [])
})

test('an empty list of inputs is none the worse for it', async (t) => {
  const folder = await temporaryDirectory(t)
  const { code, stdout, stderr } = await runCommand(t, folder, fixtureRun('echo'), '')
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
  assert.match(stderr, /^millrace: 0 of 0 done, /)
})

test('--help says how to call it, --version which one it is, both with exit code 0', async (t) => {
  const folder = await temporaryDirectory(t)
  const { version } = createRequire(import.meta.url)('millrace/package.json') as { version: string }
  assert.deepEqual(await runCommand(t, folder, ['--version']), {
    code: 0,
    signal: null,
    stdout: `${version}\n`,
    stderr: '',
  })
  const general = await runCommand(t, folder, ['--help'])
  assert.equal(general.code, 0)
  assert.match(general.stdout, /run \[options\] <worker module> \[inputs\.\.\.\]/)
  const { code, stdout, stderr } = await runCommand(t, folder, ['run', '--help'])
  assert.deepEqual([code, stderr], [0, ''])
  for (const option of [
    'input-file',
    'json',
    'dir',
    'export',
    'max-workers',
    'attempts',
    'timeout',
    'priority',
    'retry-failed',
    'fresh',
    'unfinished',
    'buffer',
    'quiet',
  ])
    assert.match(stdout, new RegExp(`--${option}\\b`))
  assert.match(stdout, /Exit codes: 0 .*1 .*2 .*130 /s)
})
