/** Runs every test file beside this one: `npm test`, or `npm test -- <part of a path>` for some. Names the slowest files. */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { withSlowestFiles } from './support/slowest.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.split(sep).join('/').includes(part)))
  .map((file) => join(here, file))
  .sort()

if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(', ')}`)
  process.exit(1)
}

const stream = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: 120_000 })
stream.on('test:fail', () => {
  process.exitCode = 1
})
Readable.from(withSlowestFiles(stream, here)).pipe(new spec()).pipe(process.stdout)
