/**
 * Finds code that changes files by itself. All of it goes through src/files/, which follows no links, makes files that only their owner
 * may read, and knows whose a directory is. Elsewhere in src/ and workers/ only what reads, and what deletes, is taken from `node:fs`.
 *
 * `node scripts/file-calls.js [directory]` says where something else is taken, and then ends with 1.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

const [root = '.'] = process.argv.slice(2)

const ALLOWED = new Set([
  ...[
    'access',
    'constants',
    'createReadStream',
    'existsSync',
    'lstat',
    'readdir',
    'readFileSync',
    'realpath',
  ],
  ...['closeSync', 'fstatSync', 'readSync', 'stat', 'Stats', 'statSync'],
  ...['rm', 'unlink'],
])
/** Where one more is taken, and why that does no harm. */
const EXCEPTIONS = [
  ['workers/internal/read-file.ts', 'openSync'], // It opens the file that the input names, to read it.
]

const FROM_FS = /^import\s+(?:type\s+)?([^;'"]*?)\s*from\s*['"](?:node:)?fs(?:\/promises)?['"]/gm
const ANY_FS = /['"](?:node:)?fs(?:\/promises)?['"]/g

let found = 0
for (const folder of ['src', 'workers'])
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(root, path).split(sep).join('/')
    if (entry.isFile() && /\.[cm]?[jt]s$/.test(name) && !name.startsWith('src/files/')) check(name, path)
  }
if (found > 0) {
  console.error('Change files through src/files/ only, which knows whose they are.')
  process.exitCode = 1
}

function check(name, path) {
  const source = readFileSync(path, 'utf8')
  const imports = [...source.matchAll(FROM_FS)]
  // A dynamic import, a `require`, an export: whatever it takes, nobody sees.
  if ([...source.matchAll(ANY_FS)].length > imports.length) say(name, 'all of node:fs')
  for (const [, names = ''] of imports) {
    const listed = /^\{([^}]*)\}$/.exec(names)?.[1]
    if (listed === undefined) say(name, 'all of node:fs')
    for (const each of (listed ?? '').split(',')) {
      const taken = each
        .trim()
        .replace(/^type\s+/, '')
        .replace(/\s+as\s.*/, '')
      const isException = EXCEPTIONS.some(([file, known]) => file === name && known === taken)
      if (taken !== '' && !ALLOWED.has(taken) && !isException) say(name, taken)
    }
  }
}

function say(name, what) {
  console.error(`${name} takes ${what} from node:fs`)
  found++
}
