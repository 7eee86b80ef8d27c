import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { ROOT, runNode } from '../support/project.js'

const SCRIPT = join(ROOT, 'scripts', 'file-calls.js')

/** What the script says of a project with these files. */
async function checked(t: TestContext, files: readonly (readonly [name: string, source: string])[]) {
  const root = await temporaryDirectory(t)
  for (const path of ['src', 'workers', ...files.map(([name]) => dirname(name))])
    await mkdir(join(root, path), { recursive: true })
  for (const [name, source] of files) await writeFile(join(root, name), source)
  const { code, stderr } = await runNode(root, SCRIPT, root)
  return {
    code,
    said: stderr
      .split('\n')
      .filter((line) => line.includes(' takes '))
      .sort(),
  }
}

test('this project changes files through src/files only', async () => {
  const { code, stderr } = await runNode(ROOT, SCRIPT)
  assert.deepEqual([code, stderr], [0, ''])
})

const CAUGHT: readonly [source: string, what: string][] = [
  ["import { writeFile } from 'node:fs/promises'", 'writeFile'],
  ["import { stat, mkdir as make } from 'fs/promises'", 'mkdir'],
  ["import {\n  type Stats,\n  openSync,\n} from 'node:fs'", 'openSync'],
  ['import { rename } from "node:fs"', 'rename'],
  ["import * as fs from 'node:fs'", 'all of node:fs'],
  ["import fs from 'fs'", 'all of node:fs'],
  ["const fs = await import('node:fs/promises')", 'all of node:fs'],
  ["const fs = require('fs')", 'all of node:fs'],
  ["export { copyFile } from 'node:fs/promises'", 'all of node:fs'],
]

test('code that changes files by itself is found, and named', async (t) => {
  const files = CAUGHT.flatMap(([source, what], index) =>
    [`src/deep/down/${index}.ts`, `workers/${index}.ts`].map((name) => ({ name, source, what })),
  )
  assert.deepEqual(
    await checked(
      t,
      files.map(({ name, source }) => [name, source]),
    ),
    { code: 1, said: files.map(({ name, what }) => `${name} takes ${what} from node:fs`).sort() },
  )
})

test('reading, deleting, and the files that all others go through are left alone', async (t) => {
  const reads =
    "import { readFileSync, type Stats } from 'node:fs'\nimport { rm, stat } from 'node:fs/promises'"
  const files = [
    ['src/file.ts', reads],
    ['src/comment.ts', `/** Before the next import begins. */\n${reads}`],
    ['src/files/file.ts', CAUGHT[0]?.[0] ?? ''],
  ] as const
  assert.deepEqual(await checked(t, files), { code: 0, said: [] })
})
