/**
 * `npm run bench:report -- [folder]`: draws plots of the answers in a folder's JSON files, bench/results unless told
 * otherwise, into that folder, and writes all tables into a README.md there. Done again, they are the same to the byte.
 */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plotsOf } from './report/plots.js'
import { tablesOf } from './report/tables.js'
import { RESULTS, type Results, readResults } from './results.js'

const folder = process.argv[2] ?? RESULTS
const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
let results: Results = {}
for (const name of files) results = { ...results, ...(await readResults(join(folder, name))) }
const plots = plotsOf(results)
if (plots.size === 0) {
  console.error(`no answers that could be drawn are in ${folder}`)
  process.exit(1)
}
for (const [name, content] of [...plots, ['README.md', tablesOf(results, plots.keys())] as const]) {
  await writeFile(join(folder, name), content)
  console.log(join(folder, name))
}
