import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createFile, isUnfinished, writeWhole, writeWholeSync } from '../../src/files/new-file.js'
import { temporaryDirectory } from '../support/directory.js'

const POSIX = process.platform !== 'win32'
const writers = {
  writeWhole,
  writeWholeSync: async (...args: Parameters<typeof writeWholeSync>) => writeWholeSync(...args),
}

/** A file of the user's, and a link to it. */
async function linked(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const [victim, link] = [join(directory, 'victim'), join(directory, 'link')]
  await writeFile(victim, 'mine')
  await symlink(victim, link)
  return { directory, victim, link }
}

for (const [name, write] of Object.entries(writers)) {
  test(`${name} replaces a link in place of writing through it, and leaves nothing beside the file`, async (t) => {
    const { directory, victim, link } = await linked(t)
    await write(link, 'new')
    assert.equal(String(await readFile(victim)), 'mine')
    assert.equal(String(await readFile(link)), 'new')
    assert.deepEqual((await readdir(directory)).sort(), ['link', 'victim'])
  })

  test(`${name} leaves nothing behind when it fails`, async (t) => {
    const directory = await temporaryDirectory(t)
    await mkdir(join(directory, 'taken'))
    await assert.rejects(write(join(directory, 'taken'), 'new'))
    assert.deepEqual(await readdir(directory), ['taken'])
    await assert.rejects(write(join(directory, 'none', 'file'), 'new'), { code: 'ENOENT' })
  })

  test(`${name} makes files that only their owner may read, unless told otherwise`, {
    skip: !POSIX,
  }, async (t) => {
    const path = join(await temporaryDirectory(t), 'file')
    await writeFile(path, 'old')
    await chmod(path, 0o666)
    await write(path, 'new')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await write(path, 'new', { mode: 0o640 })
    assert.equal((await stat(path)).mode & 0o777, 0o640 & ~process.umask())
  })
}

test('createFile takes no place that is taken, be it by a link that leads nowhere', async (t) => {
  const { directory, victim, link } = await linked(t)
  await symlink(join(directory, 'nowhere'), join(directory, 'dangling'))
  for (const path of [victim, link, join(directory, 'dangling')])
    await assert.rejects(createFile(path, 'new'), { code: 'EEXIST' })
  assert.equal(String(await readFile(victim)), 'mine')
  assert.equal((await readdir(directory)).length, 3)
})

test('what a dead process has left of a file is known by its name', () => {
  assert.ok(isUnfinished('OWNER.0123456789abcdef.tmp'))
  for (const name of ['OWNER', '000005.ldb', 'notes.tmp', 'OWNER.0123456789abcdef.tmp.old'])
    assert.ok(!isUnfinished(name), name)
})
