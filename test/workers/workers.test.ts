import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import sharp from 'sharp'
import { UnrecoverableError } from '../../src/index.js'
import brotli from '../../workers/brotli.js'
import digest from '../../workers/digest.js'
import noop from '../../workers/noop.js'
import scrypt, { verify } from '../../workers/scrypt.js'
import spin from '../../workers/spin.js'
import thumbnail from '../../workers/thumbnail.js'
import { temporaryDirectory } from '../support/directory.js'

test('brotli writes a file that decompresses to the original, and nothing beside it', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'page.html')
  const text = '<p>hello</p>'.repeat(1000)
  await writeFile(file, text)
  const { output, bytesIn, bytesOut } = brotli(file)
  assert.equal(output, `${file}.br`)
  assert.equal(brotliDecompressSync(await readFile(output)).toString(), text)
  assert.deepEqual([bytesIn, bytesOut], [text.length, (await readFile(output)).byteLength])
  const nested = join(directory, 'out', 'deep', 'page.br')
  assert.equal(brotli({ file, output: nested, quality: 4 }).output, nested)
  assert.deepEqual((await readdir(directory)).sort(), ['out', 'page.html', 'page.html.br'])
  assert.throws(() => brotli({ file, quality: 12 }), UnrecoverableError)
  assert.throws(() => brotli({ file: '' }), /file must be a string/)
  assert.throws(() => brotli(join(directory, 'missing')), { code: 'ENOENT' })
})

test('digest agrees with crypto, for files larger than its chunks', async (t) => {
  const file = join(await temporaryDirectory(t), 'data')
  const bytes = Buffer.alloc(3_000_000, 'millrace')
  await writeFile(file, bytes)
  const expected = createHash('sha256').update(bytes).digest('hex')
  assert.deepEqual(digest(file), { file, algorithm: 'sha256', digest: expected, bytes: 3_000_000 })
  assert.equal(digest({ file, algorithm: 'md5' }).digest, createHash('md5').update(bytes).digest('hex'))
  assert.throws(() => digest({ file, algorithm: 'rot13' }), UnrecoverableError)
})

test('scrypt hashes are verified by the password they were made from only', () => {
  const hash = scrypt({ password: 'secret', logCost: 4 })
  assert.match(hash, /^\$scrypt\$ln=4,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  assert.deepEqual(verify({ password: 'secret', hash }), { valid: true })
  assert.deepEqual(verify({ password: 'Secret', hash }), { valid: false })
  assert.notEqual(scrypt({ password: 'secret', logCost: 4 }), hash)
})

test('scrypt gives the vectors of RFC 7914', () => {
  // Section 12, cut to the length that this module keeps.
  const hash = scrypt({
    password: 'pleaseletmein',
    salt: Buffer.from('SodiumChloride'),
    logCost: 14,
    blockSize: 8,
    parallelism: 1,
  })
  const hex = Buffer.from(hash.split('$').at(-1) ?? '', 'base64').toString('hex')
  assert.equal(hex, '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2')
})

test('a hash that asks for too much is refused before it costs anything', () => {
  const rest = `${'A'.repeat(22)}$${'A'.repeat(43)}`
  const verifying = (parameters: string, maxCost?: number) => () =>
    verify({
      password: 'x',
      hash: `$scrypt$${parameters}$${rest}`,
      ...(maxCost !== undefined && { maxCost }),
    })
  assert.throws(verifying('ln=31,r=8,p=1'), UnrecoverableError)
  assert.throws(verifying('ln=4,r=99,p=1'), UnrecoverableError)
  assert.throws(verifying('ln=20,r=16,p=1'), {
    name: 'UnrecoverableError',
    message:
      /^the hash asks for a cost of 2048 MiB \(ln=20, r=16, p=1\), which is more than maxCost: 512\. Raise /,
  })
  // As costly by its time, though not by its memory.
  assert.throws(verifying('ln=15,r=16,p=16'), /a cost of 1024 MiB/)
  assert.throws(verifying('ln=10,r=8,p=2', 1), /a cost of 2 MiB .* more than maxCost: 1\./)
  assert.deepEqual(verifying('ln=10,r=8,p=2', 2)(), { valid: false })
  assert.throws(verifying('ln=4,r=8,p=1', 0), /maxCost must be a number from 1 to 65536/)
  assert.throws(() => scrypt({ password: 'x', logCost: 20 }), /these parameters ask for a cost of 1024 MiB/)
  assert.throws(() => verify({ password: 'x', hash: 'nonsense' }), /must be of the form/)
})

test('thumbnail fits the image into the box, without enlarging it', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'photo.png')
  await sharp({ create: { width: 400, height: 200, channels: 3, background: 'teal' } })
    .png()
    .toFile(file)
  const small = await thumbnail({ file, width: 100 })
  assert.deepEqual(
    [small.width, small.height, small.output],
    [100, 50, join(directory, 'photo.png.thumbnail.webp')],
  )
  const { format, width } = await sharp(small.output).metadata()
  assert.deepEqual([format, width], ['webp', 100])
  const large = await thumbnail({ file, width: 9000, format: 'jpeg', output: join(directory, 'large.jpg') })
  assert.deepEqual([large.width, large.height], [400, 200])
  await assert.rejects(thumbnail({ file, width: 0 }), UnrecoverableError)
})

test('thumbnail turns an image upright', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'sideways.jpg')
  await sharp({ create: { width: 400, height: 200, channels: 3, background: 'teal' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toFile(file)
  const { width, height } = await thumbnail({ file, width: 100 })
  assert.deepEqual([width, height], [100, 200])
})

test('spin does work in proportion to its time, and noop none', () => {
  const [one, ten] = [spin(0.1).rounds, spin(1).rounds]
  assert.ok(Math.abs(ten / one - 10) < 0.1)
  assert.throws(() => spin(-1), UnrecoverableError)
  assert.equal(noop(), undefined)
})
