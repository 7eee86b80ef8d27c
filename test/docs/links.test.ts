import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { anchors, links } from '../support/markdown.js'
import { ROOT } from '../support/project.js'

const DOCS = readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)

for (const name of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...DOCS])
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
