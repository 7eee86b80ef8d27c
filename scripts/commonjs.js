/**
 * What the package needs for CommonJS, made from what tsc has written to `dist`.
 *
 * Node.js loads the ES modules for `require` too. But some test runners load modules by themselves and know no `require` of an ES
 * module: for these there is one CommonJS file per entry, and for TypeScript's CommonJS modes a declaration file beside each.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const SOURCE = fileURLToPath(new URL('../dist/src', import.meta.url))
const ENTRIES = ['index', 'worker']

await build({
  entryPoints: ENTRIES.map((name) => join(SOURCE, `${name}.js`)),
  outdir: SOURCE,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // Where there is no `require` of an ES module, there may be no `import()` either.
  supported: { 'dynamic-import': false },
  // The one file that is named relative to its importer is the thread's, next to the pool.
  banner: {
    js: `const moduleUrl = require('node:url').pathToFileURL(require('node:path').join(__dirname, 'pool', 'pool.js')).href`,
  },
  define: { 'import.meta.url': 'moduleUrl' },
})

const declared = new Set()
for (const name of ENTRIES) await declare(join(SOURCE, `${name}.d.ts`))

/** Writes the CommonJS twin of a declaration file, and of all that it imports. */
async function declare(file) {
  if (declared.has(file)) return
  declared.add(file)
  const imported = []
  const text = await readFile(file, 'utf8')
  const twin = text.replace(/((?:from |import\()'(\.{1,2}\/[^']+))\.js'/g, (whole, before, specifier) => {
    const target = join(dirname(file), `${specifier}.d.ts`)
    // An example in a comment may name a file of the reader's.
    if (!existsSync(target)) return whole
    imported.push(target)
    return `${before}.cjs'`
  })
  await writeFile(file.replace(/\.d\.ts$/, '.d.cts'), twin.replace(/^\/\/# sourceMappingURL=.*$/m, ''))
  for (const each of imported) await declare(each)
}
