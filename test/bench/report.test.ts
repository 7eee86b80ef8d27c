import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { answersTo } from '../../bench/answer.js'
import type { Measured } from '../../bench/question.js'
import { circumstances, type Results, resultOf, writeResults } from '../../bench/results.js'
import { loadQuestion, moduleOf } from '../../bench/rounds.js'
import { temporaryDirectory } from '../support/directory.js'
import { links } from '../support/markdown.js'

const REPORT = fileURLToPath(new URL('../../bench/report.js', import.meta.url))
const DRAWN = ['throughput', 'durations', 'cores', 'backlog-cost', 'latency']

async function report(folder: string): Promise<number | null> {
  const child = spawn(process.execPath, [REPORT, folder], { stdio: 'ignore' })
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

/** Invented figures for every row of the questions that are drawn, the long ones too. */
async function allAnswered(): Promise<Results> {
  const entries = DRAWN.map(async (name) => {
    const question = await loadQuestion(moduleOf(name))
    const invented = question.rows.map(({ name: row }, index): [string, Measured[]] => [
      row,
      name === 'latency' ? [[10, 20, 1000 * (index + 1)]] : [100 * (index + 1), 110 * (index + 1)],
    ])
    return [
      name,
      resultOf(question, answersTo(question, new Map(invented)), circumstances(2, false)),
    ] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

async function plotsIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.svg')).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])),
  )
}

test('the report draws every row that it is to show, and the same again', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeResults(join(folder, 'results.json'), await allAnswered())
  assert.equal(await report(folder), 0)
  const plots = await plotsIn(folder)
  assert.deepEqual(Object.keys(plots), ['backlog.svg', 'cores.svg', 'latency.svg', 'throughput.svg'])
  const count = (name: string, what: RegExp) => plots[`${name}.svg`]?.match(what)?.length ?? 0
  // The points, and those of the legend.
  assert.equal(count('throughput', /<circle /g), 2 * 4 + 2)
  // The legend has an entry for each of three subjects, the plot a line for each of them and each of two durations.
  assert.equal(count('cores', /<circle /g), 2 * 3 * 4 + 3)
  assert.equal(count('cores', /stroke-dasharray/g), 3)
  assert.equal(count('backlog', /<circle /g), 4 + 1)
  assert.equal(count('latency', /<path [^>]*stroke-linejoin/g), 4)
  for (const svg of Object.values(plots)) assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
  assert.equal(await report(folder), 0)
  assert.deepEqual(await plotsIn(folder), plots)
})

test('a plot shows the figures and the ratios of its rows', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeResults(join(folder, 'results.json'), await allAnswered())
  await report(folder)
  const { 'throughput.svg': svg = '' } = await plotsIn(folder)
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, words]) => words)
  for (const shown of ['Throughput by job duration', 'no-op', '100 ms', '1.50 × Piscina', '315', '210'])
    assert.ok(texts.includes(shown), `${shown} is not among ${texts.join(', ')}`)
})

test('the tables of all answers stand in a document beside the plots', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeResults(join(folder, 'results.json'), await allAnswered())
  await report(folder)
  const document = await readFile(join(folder, 'README.md'), 'utf8')
  assert.deepEqual(links(document), [
    '../../CONTRIBUTING.md',
    'throughput.svg',
    'cores.svg',
    'backlog.svg',
    'latency.svg',
  ])
  for (const name of DRAWN) assert.equal(document.match(new RegExp(`^## .+ \\(${name}\\)$`, 'gm'))?.length, 1)
  assert.match(
    document,
    /^\| enqueue +\| +315 \| +300 \| +330 \| 1\.50 × Piscina, pipelined +\| ≥ 3 NOT MET \|$/m,
  )
})

test('tables and plots say on what they were measured, and how often', async (t) => {
  const folder = await temporaryDirectory(t)
  const { latency } = await allAnswered()
  assert.ok(latency)
  const measured = {
    ...latency.measured,
    cpu: 'A CPU',
    cpus: 2,
    node: 'v20',
    system: 'linux x64',
    date: '2026-11-28',
  }
  const extents = async (rounds: number, quick: boolean) => {
    await writeResults(join(folder, 'results.json'), {
      latency: { ...latency, measured: { ...measured, rounds, quick } },
    })
    await report(folder)
    const { 'latency.svg': svg = '' } = await plotsIn(folder)
    const table = await readFile(join(folder, 'README.md'), 'utf8')
    return [/^A CPU, .*$/m.exec(table)?.[0], />(A CPU[^<]*)</.exec(svg)?.[1]]
  }
  const machine = 'A CPU, 2 CPUs, Node v20, linux x64'
  assert.deepEqual(await extents(1, true), [
    `${machine}; 1 round, quick; 2026-11-28`,
    `${machine}. 1 round, quick. 2026-11-28`,
  ])
  assert.deepEqual(await extents(3, false), [
    `${machine}; 3 rounds; 2026-11-28`,
    `${machine}. 3 rounds. 2026-11-28`,
  ])
})

test('files are put together, and what was not answered is not drawn', async (t) => {
  const folder = await temporaryDirectory(t)
  const { throughput, durations, latency } = await allAnswered()
  assert.ok(throughput && durations && latency)
  await writeResults(join(folder, 'one.json'), { throughput })
  await writeResults(join(folder, 'two.json'), { durations })
  await report(folder)
  assert.deepEqual(Object.keys(await plotsIn(folder)), ['throughput.svg'])
})

test('a folder without answers is said to be so', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, 'results.json'), '{}')
  assert.equal(await report(folder), 1)
  assert.deepEqual(await plotsIn(folder), {})
})
