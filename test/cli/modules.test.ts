import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { fixtureRun, folderWith, resultsIn, runCommand } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'

test('the ready-made workers run by name from any directory', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, 'page.html'), '<p>hello</p>')
  const digested = await runCommand(t, folder, ['run', 'millrace/workers/digest', 'page.html'])
  assert.equal(digested.code, 0, digested.stderr)
  assert.deepEqual(resultsIn(digested.stdout)[0]?.output, {
    file: 'page.html',
    algorithm: 'sha256',
    digest: createHash('sha256').update('<p>hello</p>').digest('hex'),
    bytes: 12,
  })
  const input = JSON.stringify({ file: 'page.html', output: 'out/page.br', quality: 4 })
  const compressed = await runCommand(t, folder, ['run', 'millrace/workers/brotli', '--json', input])
  assert.equal(compressed.code, 0, compressed.stderr)
  const bytes = await readFile(join(folder, 'out', 'page.br'))
  assert.equal(brotliDecompressSync(bytes).toString(), '<p>hello</p>')
  const hashed = await runCommand(t, folder, ['run', 'millrace/workers/scrypt', '--export', 'verify', 'x'])
  assert.equal(hashed.code, 1)
  assert.equal(resultsIn(hashed.stdout)[0]?.error?.code, 'MILLRACE_UNRECOVERABLE')
})

test('what a ready-made worker refuses or cannot find is the failure of that input alone', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, 'here.txt'), 'text')
  const args = ['run', 'millrace/workers/digest', '--attempts', '1', 'here.txt', 'missing.txt']
  const { code, stdout } = await runCommand(t, folder, args)
  assert.equal(code, 1)
  assert.deepEqual(
    resultsIn(stdout).map(({ input, status, error }) => [input, status, error?.code]),
    [
      ['here.txt', 'completed', undefined],
      ['missing.txt', 'failed', 'ENOENT'],
    ],
  )
})

test('the internals of the ready-made workers are no workers', async (t) => {
  const folder = await temporaryDirectory(t)
  const { code, stderr } = await runCommand(t, folder, ['run', 'millrace/workers/internal/check', 'x'])
  assert.equal(code, 2)
  assert.match(stderr, /there is no worker module millrace\/workers\/internal\/check/)
})

test('a file comes before what a package exports by the same name', async (t) => {
  const folder = await temporaryDirectory(t)
  await mkdir(join(folder, 'millrace', 'workers'), { recursive: true })
  await writeFile(join(folder, 'millrace', 'workers', 'noop'), 'module.exports = () => "own"')
  const { stdout } = await runCommand(t, folder, ['run', 'millrace/workers/noop', 'x'])
  assert.equal(resultsIn(stdout)[0]?.output, 'own')
})

test('a file is the same worker module however it is written, also deep down', async (t) => {
  const folder = await temporaryDirectory(t)
  const deep = join(...new Array(30).fill('a-long-name'))
  await mkdir(join(folder, deep), { recursive: true })
  const module = join(deep, 'once.mjs')
  await writeFile(
    join(folder, module),
    `import { writeFileSync } from 'node:fs'
    export default () => writeFileSync('ran', '', { flag: 'wx' })`,
  )
  for (const written of [module, `./${module}`, join(folder, module)])
    assert.equal((await runCommand(t, folder, ['run', written, 'x'])).code, 0)
})

test('a worker module that throws while it is loaded fails each input with the reason', async (t) => {
  const folder = await folderWith(t, 'broken.mjs', `throw new Error('no licence')`)
  const { code, stdout } = await runCommand(t, folder, ['run', 'broken.mjs', '--attempts', '1', 'a', 'b'])
  assert.equal(code, 1)
  const results = resultsIn(stdout)
  assert.deepEqual(
    results.map(({ input, error }) => [input, error?.code]),
    [
      ['a', 'MILLRACE_WORKER_MODULE'],
      ['b', 'MILLRACE_WORKER_MODULE'],
    ],
  )
  assert.match(results[0]?.error?.message ?? '', /broken\.mjs failed: no licence$/)
})

test('an export that is not there fails each input, and the ones that are there are listed', async (t) => {
  const folder = await temporaryDirectory(t)
  const { code, stdout } = await runCommand(t, folder, fixtureRun('ecco', '--attempts', '1', 'x'))
  assert.equal(code, 1)
  assert.match(resultsIn(stdout)[0]?.error?.message ?? '', /no function as its export "ecco", it has .*echo/)
})

test('a worker module in TypeScript runs where NODE_OPTIONS names a loader', async (t) => {
  const folder = await folderWith(
    t,
    'typed.ts',
    'enum Unit { Text = 1 }\nexport default (input: string): number => input.length * Unit.Text',
  )
  const env = { NODE_OPTIONS: `--import ${import.meta.resolve('tsx')}` }
  const { code, stdout, stderr } = await runCommand(t, folder, ['run', 'typed.ts', 'four'], '', env)
  assert.equal(code, 0, stderr + stdout)
  assert.equal(resultsIn(stdout)[0]?.output, 4)
})

test('where nothing loads TypeScript, the failure says what to do', async (t) => {
  const { typescript } = process.features as { typescript?: unknown }
  if (typescript) return t.skip('this Node runs TypeScript by itself')
  const folder = await folderWith(t, 'typed.ts', 'export default (input: string): string => input')
  const args = ['run', 'typed.ts', '--attempts', '1', 'x']
  const { code, stdout } = await runCommand(t, folder, args, '', { NODE_OPTIONS: '' })
  assert.equal(code, 1)
  assert.match(resultsIn(stdout)[0]?.error?.message ?? '', /start it with --import tsx, or use Node 22\.18/)
})
