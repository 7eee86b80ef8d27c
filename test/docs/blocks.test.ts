/**
 * Every code block of the documents is run.
 *
 * - A block that begins with a path is that file; the files of a document make up one project.
 * - Shell commands that use the project are run in it; a `text` block after them is what they print.
 * - Other blocks are programs. One that opens no queue of its own is given `queue`, which has the document's workers and a
 *   failed job. A line that ends in `// → …` prints just that.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type Block, codeBlocks } from '../support/markdown.js'
import { checkTypes, project, ROOT, runNode, runShell } from '../support/project.js'

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

for (const name of documents()) {
  const blocks = codeBlocks(readFileSync(join(ROOT, name), 'utf8'))
  const files = blocks.flatMap(({ file, text }) => (file === undefined ? [] : [[file, text] as const]))

  test(`${name}: every code block is of a kind that is tested`, () => {
    const unknown = blocks.filter(({ language }) => !['js', 'ts', 'sh', 'text'].includes(language))
    assert.deepEqual(unknown, [])
    assert.equal(new Set(files.map(([file]) => file)).size, files.length, 'no file stands there twice')
  })

  if (files.some(([file]) => file.endsWith('.ts')))
    test(`${name}: its TypeScript is well typed`, async (t) => {
      const { code, stdout } = await checkTypes(
        await project(t, [...files, ['globals.d.ts', '/// <reference types="node" />\n']]),
        ['**/*.ts'],
      )
      assert.equal(code, 0, stdout)
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
        const program = text.includes("from 'millrace'") ? text : withQueue(text, files)
        const directory = await project(t, [...files, ['example.js', program]])
        const { code, stdout, stderr } = await runNode(directory, 'example.js')
        assert.equal(code, 0, stderr)
        assert.deepEqual(expectedOf(block), stdout.split('\n').slice(0, expectedOf(block).length))
      })
  })
}

function documents(): string[] {
  const guides = existsSync(join(ROOT, 'docs')) ? readdirSync(join(ROOT, 'docs')) : []
  return [
    'README.md',
    'CONTRIBUTING.md',
    ...guides.filter((guide) => guide.endsWith('.md')).map((guide) => `docs/${guide}`),
  ]
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

function withQueue(text: string, files: readonly (readonly [string, string])[]): string {
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
