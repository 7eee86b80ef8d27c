import assert from 'node:assert/strict'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeJobDirectory } from '../../../src/cli/run/job-directory.js'
import { temporaryDirectory } from '../../support/directory.js'
import { project, runShell } from '../../support/project.js'

test('the directory that the command makes is left out by git and npm, and closed to others', async (t) => {
  const directory = await project(t, [
    ['echo.js', 'export default (input) => input'],
    ['package.json', '{ "name": "mine", "version": "1.0.0", "type": "module" }'],
  ])
  const { code, stderr } = await runShell(directory, 'npx millrace run ./echo.js a')
  assert.equal(code, 0, stderr)
  const jobs = join(directory, '.millrace')
  assert.equal(String(await readFile(join(jobs, '.gitignore'))), '*\n')
  if (process.platform !== 'win32') assert.equal((await stat(jobs)).mode & 0o777, 0o700)
  const packed = await runShell(directory, 'npm pack --dry-run --json 2>/dev/null')
  assert.ok(packed.stdout.includes('echo.js') && !packed.stdout.includes('.millrace'), packed.stdout)
})

test('a directory that is there already, or cannot be made, is left to the queue', async (t) => {
  const parent = await temporaryDirectory(t)
  await mkdir(join(parent, 'jobs'))
  await makeJobDirectory(join(parent, 'jobs'))
  await assert.rejects(stat(join(parent, 'jobs', '.gitignore')), { code: 'ENOENT' })
  await makeJobDirectory(join(parent, 'a\0b'))
})
