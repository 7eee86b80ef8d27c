import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { anchors, links } from '../support/markdown.js'
import { ROOT } from '../support/project.js'

for (const name of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
  test(`${name}: links inside the repository lead somewhere`, () => {
    const markdown = readFileSync(join(ROOT, name), 'utf8')
    const local = links(markdown).filter((target) => !/^https?:/.test(target))
    const dead = local.filter((target) => {
      const [path = '', anchor] = target.split('#')
      if (path !== '' && !existsSync(join(ROOT, path))) return true
      const text = path === '' ? markdown : anchor && readFileSync(join(ROOT, path), 'utf8')
      return anchor !== undefined && !anchors(text ?? '').includes(anchor)
    })
    assert.deepEqual(dead, [])
  })
