/** What the ready-made workers do with files, and with inputs of other forms than they know. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import sharp from 'sharp'
import { JobQueue, UnrecoverableError } from '../../src/index.js'
import brotli from '../../workers/brotli.js'
import digest from '../../workers/digest.js'
import scrypt, { verify } from '../../workers/scrypt.js'
import thumbnail from '../../workers/thumbnail.js'
import { temporaryDirectory } from '../support/directory.js'

const isWindows = process.platform === 'win32'

async function image(t: TestContext): Promise<string> {
  const file = join(await temporaryDirectory(t), 'photo.png')
  await sharp({ create: { width: 400, height: 200, channels: 3, background: 'teal' } })
    .png()
    .toFile(file)
  return file
}

test('a plain path is the same as an object with that file', async (t) => {
  const file = await image(t)
  assert.deepEqual(digest(file), digest({ file }))
  assert.deepEqual(brotli(file), brotli({ file }))
  const made = await thumbnail(file)
  assert.deepEqual(made, await thumbnail({ file }))
  assert.deepEqual([made.output, made.width], [`${file}.thumbnail.webp`, 256])
})

test('members that a worker does not know are refused by name, and so are inputs of other kinds', async (t) => {
  const file = await image(t)
  const unknown = {
    name: 'UnrecoverableError',
    message: /^the input has no member "target": use (file|password), /,
  }
  const wrong = { target: 'elsewhere' } as object
  assert.throws(() => brotli({ file, ...wrong }), unknown)
  assert.throws(() => digest({ file, ...wrong }), unknown)
  assert.throws(() => scrypt({ password: 'x', ...wrong }), unknown)
  assert.throws(() => verify({ password: 'x', hash: 'y', ...wrong }), unknown)
  await assert.rejects(thumbnail({ file, width: 10, ...wrong }), unknown)
  for (const input of [undefined, null, 7, [file], 'x'.repeat(300)] as never[]) {
    const refused = { name: 'UnrecoverableError', message: /^the input must be an object with .{1,200}$/ }
    if (typeof input !== 'string') {
      assert.throws(() => brotli(input), refused)
      assert.throws(() => digest(input), refused)
      await assert.rejects(thumbnail(input), refused)
    }
    assert.throws(() => scrypt(input), refused)
    assert.throws(() => verify(input), refused)
  }
  assert.deepEqual(await readdir(join(file, '..')), ['photo.png'])
})

test('an error does not show what was given in place of a password', () => {
  for (const call of [
    () => scrypt('hunter2' as never),
    () => scrypt(['hunter2'] as never),
    () => scrypt({ password: 12_345 as never }),
    () => verify({ password: { hunter2: 'hunter2' } as never, hash: 'x' }),
  ])
    assert.throws(
      call,
      (error: Error) => /got (a|an) \w+$/.test(error.message) && !/hunter2|12345/.test(error.message),
    )
  assert.throws(() => scrypt({ password: '' }), /got an empty string$/)
  assert.throws(() => scrypt({} as never), /got undefined$/)
})

test('what is no regular file is refused at once', {
  skip: isWindows && 'Windows has no FIFOs',
}, async (t) => {
  const directory = await temporaryDirectory(t)
  const fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
  // A socket cannot even be opened: that it is none has to be seen before.
  const socket = join(directory, 'socket')
  const server = createServer().listen(socket)
  t.after(() => server.close())
  await once(server, 'listening')
  for (const path of [fifo, socket, '/dev/zero', directory]) {
    const refused = { name: 'UnrecoverableError', message: `${path} is no regular file` }
    assert.throws(() => digest(path), refused)
    assert.throws(() => brotli({ file: path, output: join(directory, 'out') }), refused)
    await assert.rejects(thumbnail({ file: path, output: join(directory, 'out') }), refused)
  }
  const link = join(directory, 'link')
  await writeFile(join(directory, 'text'), 'text')
  await symlink('text', link)
  assert.equal(digest(link).bytes, 4, 'a link to a file is one')
})

test('an output replaces what was there, and writes through no link', {
  skip: isWindows && 'no links',
}, async (t) => {
  const directory = await temporaryDirectory(t)
  const [file, output, other] = ['page.html', 'page.html.br', 'other'].map((name) =>
    join(directory, name),
  ) as [string, string, string]
  await writeFile(file, 'text')
  await writeFile(other, 'important')
  await symlink(other, output)
  await symlink(other, `${output}.tmp`)
  brotli(file)
  assert.equal(await readFile(other, 'utf8'), 'important')
  assert.ok((await lstat(output)).isFile())
  assert.equal(brotliDecompressSync(await readFile(output)).toString(), 'text')
  assert.deepEqual((await readdir(directory)).sort(), [
    'other',
    'page.html',
    'page.html.br',
    'page.html.br.tmp',
  ])
})

test('an output has no more permissions than its source', { skip: isWindows && 'no modes' }, async (t) => {
  const file = await image(t)
  await chmod(file, 0o640)
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777 & ~0o640
  assert.equal(await modeOf(brotli(file).output), 0)
  assert.equal(await modeOf((await thumbnail(file)).output), 0)
  await chmod(file, 0o644)
  assert.equal((await stat(brotli(file).output)).mode & 0o777, 0o644 & ~process.umask())
  await chmod(file, 0o755)
  assert.equal((await stat(brotli(file).output)).mode & 0o111, 0, 'what is compressed is no program')
})

test('a file is never its own output', async (t) => {
  const file = await image(t)
  const before = await readFile(file)
  const refused = { name: 'UnrecoverableError', message: /^output must be another file/ }
  assert.throws(() => brotli({ file, output: join(file, '..', '.', 'photo.png') }), refused)
  await assert.rejects(thumbnail({ file, output: file }), refused)
  assert.deepEqual(await readFile(file), before)
})

test('an output that cannot be put in its place leaves nothing beside it', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'page.html')
  await writeFile(file, 'text')
  await mkdir(join(directory, 'page.html.br', 'full'), { recursive: true })
  assert.throws(() => brotli(file))
  assert.deepEqual((await readdir(directory)).sort(), ['page.html', 'page.html.br'])
})

test('jobs with the same output give a whole file, whichever is last', async (t) => {
  const directory = await temporaryDirectory(t)
  const output = join(directory, 'out.br')
  const texts = Array.from({ length: 40 }, (_, index) => `${index} `.repeat(20_000 + index * 1000))
  const files = await Promise.all(
    texts.map(async (text, index) => {
      const file = join(directory, `in${index}`)
      await writeFile(file, text)
      return file
    }),
  )
  const queue = await JobQueue.open(join(directory, 'jobs'), {
    workers: { brotli: new URL('../../workers/brotli.js', import.meta.url) },
    maxWorkers: 4,
  })
  t.after(() => queue.close())
  const jobs = await queue.enqueueMany(
    'brotli',
    files.map((file) => ({ file, output, quality: 0 })),
  )
  let isOver = false
  const over = Promise.all(jobs.map((job) => job.finished())).finally(() => {
    isOver = true
  })
  while (!isOver) {
    if (existsSync(output)) assert.ok(texts.includes(brotliDecompressSync(await readFile(output)).toString()))
    else await new Promise(setImmediate)
  }
  await over
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.includes('.tmp')),
    [],
  )
})

test('the errors of inputs are unrecoverable: trying again does not help', async () => {
  assert.throws(() => brotli({ file: '' }), UnrecoverableError)
  assert.throws(() => digest({ file: 'x', algorithm: 'x'.repeat(1000) }), {
    message: /^algorithm must be .{1,150}$/,
  })
})

test('the progress of a digest is a share, even of a file that says it has no bytes', {
  skip: !existsSync('/proc/version') && 'no such files',
}, async (t) => {
  const queue = await JobQueue.open(join(await temporaryDirectory(t), 'jobs'), {
    workers: { digest: new URL('../../workers/digest.js', import.meta.url) },
    maxWorkers: 1,
  })
  t.after(() => queue.close())
  assert.equal((await stat('/proc/version')).size, 0)
  const job = await queue.enqueue('digest', '/proc/version')
  await job.finished()
  assert.equal((await queue.job(job.id))?.progress, 1)
})
