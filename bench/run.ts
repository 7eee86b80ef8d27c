/**
 * `npm run bench [question…] -- [--quick] [--full] [--rounds N] [--json FILE]`: answers the questions, or all of them.
 *
 * Each row of each round runs in a process of its own; the rows of a round follow each other at once, and ratios are taken
 * within a round, so that a machine that is slow for a while is slow for both sides.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { answersTo, type Figures, type Question, type Row, type Run, tableOf } from './question.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    row: { type: 'string' },
    prepare: { type: 'boolean', default: false },
    directory: { type: 'string' },
  },
})

const QUESTIONS = new URL('./questions/', import.meta.url)

if (values.row !== undefined) await measureHere(positionals[0] ?? '', values.row, values.directory ?? '')
else await answer()

async function answer(): Promise<void> {
  const all = (await readdir(QUESTIONS))
    .filter((name) => name.endsWith('.js'))
    .map((name) => basename(name, '.js'))
  const unknown = positionals.find((name) => !all.includes(name))
  if (unknown !== undefined) {
    console.error(`no question "${unknown}": there is ${all.join(', ')}`)
    process.exit(2)
  }
  const rounds = values.quick ? 1 : Number(values.rounds)
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Node ${process.version}; ${rounds} rounds, medians\n`,
  )
  const results: Record<string, unknown> = {}
  for (const name of positionals.length > 0 ? positionals : all) {
    const question = await load(name)
    console.log(`## ${question.title} (${name})\n\n${question.how}\n`)
    const answers = answersTo(question, await measureRounds(name, question, rounds))
    console.log(`${tableOf(question, answers)}\n`)
    results[name] = { title: question.title, unit: question.unit, answers }
  }
  const { node, platform, arch } = { node: process.version, platform: process.platform, arch: process.arch }
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, node, platform, arch }
  if (values.json) await writeFile(values.json, `${JSON.stringify({ machine, rounds, results }, null, 2)}\n`)
}

async function load(name: string): Promise<Question> {
  const module = (await import(new URL(`${name}.js`, QUESTIONS).href)) as { default: Question }
  return module.default
}

async function measureRounds(name: string, question: Question, rounds: number): Promise<Figures> {
  const figures: Figures = new Map()
  for (let round = 0; round < rounds; round++)
    for (const row of question.rows) {
      if (row.isLong && !values.full) continue
      const known = figures.get(row.name) ?? []
      figures.set(row.name, [...known, await measureApart(name, row)])
    }
  return figures
}

/** Measures one row in a process and a directory of its own. */
async function measureApart(name: string, row: Row): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    const args = [name, '--row', row.name, '--directory', directory, ...(values.quick ? ['--quick'] : [])]
    if (row.prepare) await forked([...args, '--prepare'])
    return await forked(args)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Runs this script in a new process, which says one number. */
async function forked(args: string[]): Promise<number> {
  const child = fork(new URL(import.meta.url), args, { execArgv: ['--expose-gc'] })
  let figure: number | undefined
  child.on('message', (message) => {
    figure = message as number
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0 || figure === undefined) throw new Error(`${args.join(' ')} ended with code ${code}`)
  return figure
}

async function measureHere(name: string, rowName: string, directory: string): Promise<void> {
  const row = (await load(name)).rows.find((each) => each.name === rowName)
  if (!row) throw new Error(`${name} has no row "${rowName}"`)
  const run: Run = { directory, quick: values.quick }
  const figure = values.prepare ? ((await row.prepare?.(run)) ?? 0) : await row.measure(run)
  process.send?.(figure)
  process.disconnect?.()
}
