import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { pathOf } from '../../src/files/location.js'
import { JobQueue } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE, openQueue } from '../support/queue.js'

test('a path is made absolute, and a file: URL, as text or as an object, is the path that it names', () => {
  const path = resolve('a directory', '100%')
  const { href } = pathToFileURL(path)
  for (const location of [
    path,
    join('a directory', '100%'),
    href,
    href.replace('file', 'FILE'),
    new URL(href),
  ])
    assert.equal(pathOf('directory', location), path)
})

test('what is no path and no file: URL is refused by its name', () => {
  const refused = ['', 'a\0b', 5, undefined, null, {}, [], 'file:jobs', 'file:///a%2fb', 'https://x/jobs']
  for (const location of [...refused, new URL('https://x/jobs'), 'postgres://db/jobs', 'file://server/jobs'])
    assert.throws(() => pathOf('target', location), {
      code: 'MILLRACE_OPTION',
      message: /^the target must be/,
    })
})

test('a file: URL is taken wherever a directory is', async (t) => {
  const parent = await temporaryDirectory(t)
  const url = pathToFileURL(join(parent, 'jobs'))
  const queue = await JobQueue.open(url, { workers: { where: FIXTURE }, maxWorkers: 0 })
  assert.equal(queue.directory, join(parent, 'jobs'))
  await queue.enqueue('where', 1)
  await queue.backup(pathToFileURL(join(parent, 'copy')).href)
  await queue.close()
  assert.equal((await JobQueue.repair(url.href)).jobs.waiting, 1)
  assert.equal((await openQueue(t, { directory: join(parent, 'copy'), maxWorkers: 0 })).counts().waiting, 1)
})
