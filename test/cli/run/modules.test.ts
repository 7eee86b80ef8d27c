import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { folderWith, resultsIn, runCommand } from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'

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

test('what a package exports comes before a file of the same name, which is named with ./', async (t) => {
  const folder = await temporaryDirectory(t)
  await mkdir(join(folder, 'millrace', 'workers'), { recursive: true })
  await writeFile(join(folder, 'millrace', 'workers', 'noop'), 'module.exports = () => "own"')
  const ofPackage = await runCommand(t, folder, ['run', 'millrace/workers/noop', 'x'])
  assert.equal(resultsIn(ofPackage.stdout)[0]?.output, null)
  const ofFile = await runCommand(t, folder, ['run', './millrace/workers/noop', '--dir', 'other', 'x'])
  assert.equal(resultsIn(ofFile.stdout)[0]?.output, 'own')
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
  for (const written of [`./${module}`, `././${module}`, join(folder, module)])
    assert.equal((await runCommand(t, folder, ['run', written, 'x'])).code, 0)
})

/** Runs a module that cannot be run: the command says why, and leaves nothing behind. */
async function refusal(t: TestContext, source: string, ...args: string[]): Promise<string> {
  const folder = await folderWith(t, 'worker.mjs', source)
  const { code, stdout, stderr } = await runCommand(t, folder, ['run', './worker.mjs', ...args, 'x'])
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, stderr)
  assert.deepEqual(await readdir(folder), ['worker.mjs'])
  return stderr
}

test('a worker module that throws while it is loaded is refused with the reason', async (t) => {
  const stderr = await refusal(t, `console.log('loading'); throw new Error('no licence')`)
  assert.match(stderr, /^millrace: the worker module cannot be run: .*worker\.mjs failed: no licence\n$/)
})

test('a worker module that ends its thread while it is loaded is refused', async (t) => {
  const stderr = await refusal(t, 'process.exit(3)')
  assert.match(stderr, /worker\.mjs ended its thread with exit code 3 while it was loaded\n$/)
})

test('an export that is not there is refused, and the ones that are there are listed', async (t) => {
  const source = 'export const echo = (input) => input; export const name = "x"'
  const stderr = await refusal(t, source, '--export', 'nope')
  assert.match(stderr, /worker\.mjs has no function as its export "nope", it has echo, name\n$/)
  assert.match(await refusal(t, source, '--export', 'name'), /no function as its export "name"/)
  assert.match(await refusal(t, source), /no function as its default export/)
})

test('a worker module that stays busy after it is loaded does not keep the command', async (t) => {
  const folder = await folderWith(
    t,
    'timer.mjs',
    'setInterval(() => {}, 1000); export default (input) => input',
  )
  const { code, stderr } = await runCommand(t, folder, ['run', './timer.mjs', 'x'])
  assert.equal(code, 0, stderr)
})

test('a worker module in TypeScript runs where NODE_OPTIONS names a loader', async (t) => {
  const folder = await folderWith(
    t,
    'typed.ts',
    'enum Unit { Text = 1 }\nexport default (input: string): number => input.length * Unit.Text',
  )
  const env = { NODE_OPTIONS: `--import ${import.meta.resolve('tsx')}` }
  const { code, stdout, stderr } = await runCommand(t, folder, ['run', './typed.ts', 'four'], '', env)
  assert.equal(code, 0, stderr + stdout)
  assert.equal(resultsIn(stdout)[0]?.output, 4)
})

test('where nothing loads TypeScript, the failure says what to do', async (t) => {
  const { typescript } = process.features as { typescript?: unknown }
  if (typescript) return t.skip('this Node runs TypeScript by itself')
  const folder = await folderWith(t, 'typed.ts', 'export default (input: string): string => input')
  const args = ['run', './typed.ts', '--attempts', '1', 'x']
  const { code, stderr } = await runCommand(t, folder, args, '', { NODE_OPTIONS: '' })
  assert.equal(code, 2)
  assert.match(stderr, /start it with --import tsx, or use Node 22\.18/)
})
