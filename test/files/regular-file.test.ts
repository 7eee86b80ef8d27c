import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { cutRegular, openRegular, readRegular, syncRegular } from '../../src/files/regular-file.js'
import { temporaryDirectory } from '../support/directory.js'

test('only regular files are read and changed: a link is not followed, and a pipe keeps nobody waiting', {
  skip: process.platform === 'win32',
}, async (t) => {
  const directory = await temporaryDirectory(t)
  const at = (name: string) => join(directory, name)
  await writeFile(at('file'), 'content')
  await symlink(at('file'), at('link'))
  await mkdir(at('directory'))
  execFileSync('mkfifo', [at('pipe')])
  for (const name of ['link', 'directory', 'pipe', '/dev/zero']) {
    const path = name.startsWith('/') ? name : at(name)
    const refused = { message: `${path} is no regular file` }
    await assert.rejects(readRegular(path), refused)
    await assert.rejects(openRegular(path, 'change'), refused)
    await assert.rejects(cutRegular(path, 0), refused)
    await assert.rejects(syncRegular(path), refused)
  }
  assert.equal(String(await readRegular(at('file'))), 'content')
  await cutRegular(at('file'), 3)
  assert.equal(String(await readFile(at('file'))), 'con')
  await assert.rejects(readRegular(at('none')), { code: 'ENOENT' })
})
