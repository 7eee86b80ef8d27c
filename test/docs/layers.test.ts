/** `npm run check` refuses an import that runs up the layers, across them or in a circle. Biome's own configuration says so. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { ROOT, runNode } from '../support/project.js'

/** From the bottom to the top. Neither of two that share a step imports the other. */
const LAYERS = [
  ['errors'],
  ['codec', 'files'],
  ['job'],
  ['tasks'],
  ['store', 'pool'],
  ['scheduler'],
  ['queue'],
  ['cli'],
]
const BIOME = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')

/** The rules that each of these files breaks, as `file: rule`. */
async function broken(directory: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  await copyFile(join(ROOT, 'biome.json'), join(directory, 'biome.json'))
  const only = ['style/noRestrictedImports', 'suspicious/noImportCycles'].map((rule) => `--only=${rule}`)
  const { stdout } = await runNode(
    directory,
    BIOME,
    ...['lint', '--reporter=json', '--max-diagnostics=none', ...only],
  )
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string } }[]
  }
  return diagnostics.map(({ category, location }) => `${location.path}: ${category.split('/').at(-1)}`).sort()
}

test('every folder of the source is a layer', async () => {
  const folders = (await readdir(join(ROOT, 'src'), { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  )
  assert.deepEqual(folders.map(({ name }) => name).sort(), LAYERS.flat().sort())
})

test('an import from a layer above, or from the one beside, is refused', async (t) => {
  const wrong: Record<string, string> = {}
  const right: Record<string, string> = {}
  LAYERS.forEach((step, height) => {
    for (const layer of step)
      for (const [otherHeight, otherStep] of LAYERS.entries())
        for (const other of otherStep) {
          if (other === layer) continue
          const files = otherHeight < height ? right : wrong
          files[`src/${layer}/imports-${other}.ts`] =
            `import type { X } from '../${other}/room/x.js'\nexport type Y = X\n`
        }
  })
  Object.assign(wrong, {
    'src/queue/imports-index.ts': `export { JobQueue } from '../index.js'\n`,
    'src/store/level/format/imports-directory.ts': `import '../directory/x.js'\n`,
    'src/store/level/directory/imports-finished.ts': `import '../finished/x.js'\n`,
    'src/store/level/directory/imports-queue.ts': `import '../../../queue/x.js'\n`,
  })
  assert.deepEqual(
    await broken(await temporaryDirectory(t), { ...wrong, ...right }),
    Object.keys(wrong)
      .map((file) => `${file}: noRestrictedImports`)
      .sort(),
  )
})

test('a circle of imports is refused, of types too', async (t) => {
  const files = {
    'src/job/a.ts': `import type { B } from './b.js'\nexport type A = B | 1\n`,
    'src/job/b.ts': `import type { A } from './a.js'\nexport type B = A[]\n`,
    'src/job/c.ts': `import type { A } from './a.js'\nexport type C = A\n`,
  }
  assert.deepEqual(await broken(await temporaryDirectory(t), files), [
    'src/job/a.ts: noImportCycles',
    'src/job/b.ts: noImportCycles',
  ])
})
