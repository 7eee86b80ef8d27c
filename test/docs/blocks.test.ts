/**
 * Every code block of the documents is run.
 *
 * - A block that begins with a path is that file. The files of all documents make up one project. Another block uses each.
 *   Where `test/ecosystem/` has the file, the block is a copy of it.
 * - Shell commands that use the project are run in it. A `text` block after them is what they print.
 * - Other blocks are programs. A program that opens no queue of its own is given `queue`, which has the project's workers and a
 *   failed job. A line that ends in `// → …` prints just that.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type Block, codeBlocks, documentsOf } from '../support/markdown.js'
import { checkTypes, project, ROOT, runNode, runShell } from '../support/project.js'

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

const documents = documentsOf(ROOT).map((name) => ({
  name,
  blocks: codeBlocks(readFileSync(join(ROOT, name), 'utf8')),
}))
const allFiles = documents.flatMap(({ blocks }) =>
  blocks.flatMap(({ file, text }) => (file === undefined ? [] : [[file, text] as const])),
)
const ecosystem = (file: string) => join(ROOT, 'test', 'ecosystem', file)
const files = allFiles.filter(([file]) => !existsSync(ecosystem(file)))

test('blocks that quote test/ecosystem/ say what is there', () => {
  const quoted = allFiles.filter(([file]) => existsSync(ecosystem(file)))
  assert.ok(quoted.length > 0)
  for (const [file, text] of quoted)
    assert.equal(text.slice(text.indexOf('\n') + 1), readFileSync(ecosystem(file), 'utf8'), file)
})

test('no two blocks of the documents are the same file', () => {
  const names = files.map(([file]) => file)
  assert.deepEqual(
    names.filter((file, index) => names.indexOf(file) !== index),
    [],
  )
})

test('every file of the documents is used by another block', () => {
  const blocks = documents.flatMap((document) => document.blocks)
  const unused = files.filter(([file]) => {
    const name = basename(file).replace(/\.[jt]s$/, '')
    return !blocks.some((block) => block.file !== file && new RegExp(`\\b${name}\\b`).test(block.text))
  })
  assert.deepEqual(unused, [])
})

test('the TypeScript of the documents is well typed', async (t) => {
  const { code, stdout } = await checkTypes(
    await project(t, [...files, ['globals.d.ts', '/// <reference types="node" />\n']]),
    ['**/*.ts'],
  )
  assert.equal(code, 0, stdout)
})

for (const { name, blocks } of documents) {
  test(`${name}: every code block is of a kind that is tested`, () => {
    const unknown = blocks.filter(({ language }) => !['js', 'ts', 'sh', 'text'].includes(language))
    assert.deepEqual(unknown, [])
  })

  blocks.forEach((block, index) => {
    const { language, text, line, file } = block
    if (language === 'sh')
      test(`${name}:${line}: ${text.split('\n')[0]}`, async (t) => {
        const own = text.split('\n').filter((command) => command !== '' && !isOfRepository(command))
        if (own.length === 0) return
        const { code, stdout, stderr } = await runShell(await project(t, files), own.join('\n'))
        assert.equal(code, 0, stderr)
        const next = blocks[index + 1]
        if (next?.language === 'text') assert.equal(stdout, next.text)
      })
    if (language === 'js' && file === undefined)
      test(`${name}:${line}: the example runs`, async (t) => {
        const program = text.includes("from 'millrace'") ? text : withQueue(text)
        const directory = await project(t, [...files, ['example.js', program]])
        const { code, stdout, stderr } = await runNode(directory, 'example.js')
        assert.equal(code, 0, stderr)
        assert.deepEqual(expectedOf(block), stdout.split('\n').slice(0, expectedOf(block).length))
      })
  })
}

/** Whether a command is about this repository: then what it names must be there, and it is not run. */
function isOfRepository(command: string): boolean {
  if (!/^(npm|npx (?!millrace)|git|\.\/|\.ci\/|node (dist|examples)\/)/.test(command)) return false
  for (const part of command.split('&&')) {
    const [program = '', verb = '', ...rest] = part.trim().split(' ')
    if (program === 'npm') assertScript(verb === 'run' ? (rest[0] ?? '') : verb)
    if (program === 'npx') assert.ok(existsSync(join(ROOT, 'node_modules', '.bin', verb)), part)
    if (program === 'node') assert.ok(existsSync(join(ROOT, verb)), part)
    if (program.includes('/')) assert.ok(existsSync(join(ROOT, program)), part)
  }
  return true
}

function assertScript(name: string): void {
  const needed = name === 'cit' ? 'test' : name
  if (!['ci', 'install'].includes(name)) assert.ok(scripts[needed], `package.json has a script ${needed}`)
}

function withQueue(text: string): string {
  const workers = files
    .map(([file]) => file)
    .filter((file) => file.startsWith('workers/') && file.endsWith('.js') && !file.endsWith('.test.js'))
    .map((file) => `'${basename(file, '.js')}': '${file}'`)
  return `import { JobQueue } from 'millrace'
const queue = await JobQueue.open('./jobs', { workers: { ${workers.join(', ')} } })
await (await queue.enqueue('parse', 'no JSON')).finished().catch(() => {})
${text}
await queue.close()
`
}

function expectedOf({ text }: Block): string[] {
  return [...text.matchAll(/\/\/ → (.+)$/gm)].map(([, printed = '']) => printed)
}
