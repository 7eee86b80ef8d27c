import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { test } from 'node:test'
import { anchors, codeBlocks, documentsOf, links } from '../support/markdown.js'
import { ROOT } from '../support/project.js'

for (const name of documentsOf(ROOT))
  test(`${name}: links inside the repository lead somewhere`, () => {
    const markdown = readFileSync(join(ROOT, name), 'utf8')
    const local = links(markdown).filter((target) => !/^https?:/.test(target))
    const dead = local.filter((target) => {
      const [path = '', anchor] = target.split('#')
      if (path !== '' && !existsSync(join(ROOT, dirname(name), path))) return true
      const text = path === '' ? markdown : anchor && readFileSync(join(ROOT, dirname(name), path), 'utf8')
      return anchor !== undefined && !anchors(text ?? '').includes(anchor)
    })
    assert.deepEqual(dead, [])
  })

/** Paths of this repository in a document's text, its tables and diagrams: `src/queue/queue.ts`, `test/docs/`. */
const PATH = /(?<![\w./-])(?:src|test|bench|examples|workers|docs|\.ci)\/[\w./-]*[\w/]/g

for (const name of documentsOf(ROOT).filter((document) => document !== 'CHANGELOG.md'))
  test(`${name}: the files and folders that it names are there`, () => {
    const markdown = readFileSync(join(ROOT, name), 'utf8')
    const ofReaders = codeBlocks(markdown).flatMap(({ file }) =>
      file === undefined ? [] : [file.replace(/\.[jt]s$/, '')],
    )
    const prose = codeBlocks(markdown)
      .filter(({ language }) => language !== 'text')
      .reduce((text, block) => text.replace(block.text, ''), markdown)
    const paths = [...prose.matchAll(PATH)].map(([path]) => path)
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(ROOT, path)) && !ofReaders.includes(path.replace(/\.js$/, ''))),
      [],
    )
  })

test('the files that comments of the source name are there', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `/src/${file.split(sep).join('/')}`)
  const missing = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/`([a-z][\w/-]*\.ts)`/g)]
      .map(([, named = '']) => named)
      .filter((named) => !files.some((other) => other.endsWith(`/${named}`)))
      .map((named) => `${file}: ${named}`),
  )
  assert.deepEqual(missing, [])
})

test('the index of docs/ links every page', () => {
  const listed = links(readFileSync(join(ROOT, 'docs/README.md'), 'utf8')).map((target) => `docs/${target}`)
  const pages = documentsOf(ROOT).filter((name) => name.startsWith('docs/') && name !== 'docs/README.md')
  assert.deepEqual(
    pages.filter((page) => !listed.includes(page)),
    [],
  )
})

test('the README is read in five minutes: it has at most 150 lines', () => {
  const lines = readFileSync(join(ROOT, 'README.md'), 'utf8').trimEnd().split('\n').length
  assert.ok(lines <= 150, `${lines} lines`)
})
