import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { anchors, documentsOf, links } from '../support/markdown.js'
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
