/** Directories that other users may write, on the command line. */
import assert from 'node:assert/strict'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'

test('each command refuses a directory that others may write, and takes it with --trust-directory', {
  skip: process.platform === 'win32' && 'Windows has no such modes',
}, async (t) => {
  const cwd = await temporaryDirectory(t)
  const worker = 'millrace/workers/noop'
  const [jobs, empty] = [join(cwd, 'jobs'), join(cwd, 'empty')]
  assert.equal((await runCommand(t, cwd, ['run', '--dir', 'jobs', worker, '1'])).code, 0)
  const exported = await runCommand(t, cwd, ['export', 'jobs'])
  await mkdir(empty)
  for (const directory of [jobs, empty]) await chmod(directory, 0o777)
  const commands: [string[], string?][] = [
    [['run', '--dir', 'jobs', worker, '2']],
    [['repair', 'jobs']],
    [['export', 'jobs']],
    [['import', 'empty'], exported.stdout],
  ]
  for (const [args, input = ''] of commands) {
    const refused = await runCommand(t, cwd, args, input)
    assert.deepEqual([refused.code, refused.stdout], [2, ''], args.join(' '))
    assert.match(refused.stderr, /may be written by other users .*--trust-directory/)
    const taken = await runCommand(t, cwd, [...args, '--trust-directory'], input)
    assert.equal(taken.code, 0, taken.stderr)
    await chmod(jobs, 0o777)
  }
})
