/**
 * `npm run bench -- [question…] [--quick] [--all] [--full] [--rounds N] [--rows TEXT] [--json FILE]`: answers the questions; of
 * their rows those whose names have a text in them. Without a question it answers the main ones, in three to five minutes;
 * `--all` answers all, `--full` too, with the rows that take minutes each. Each table is printed once it is there.
 * `--check [--results FILE] [--tolerance 0.2]` then compares the answers with earlier ones, the committed ones unless told
 * otherwise, and exits with 1 if one is worse.
 */
import { join } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { absencesIn, answersTo } from './answer.js'
import { compare, comparisonText, passes } from './check.js'
import { Progress } from './progress.js'
import {
  circumstances,
  machineText,
  RESULTS,
  type Result,
  type Results,
  readResults,
  resultOf,
  writeResults,
} from './results.js'
import { loadQuestion, measureRounds, moduleOf, questionNames } from './rounds.js'
import { tableOf } from './table.js'

const { values, positionals } = parsed({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    quick: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    rows: { type: 'string', default: '' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    results: { type: 'string', default: join(RESULTS, 'results.json') },
    tolerance: { type: 'string', default: '0.2' },
  },
})

if (values.help) {
  console.log(`npm run bench -- [question…] [option…]

Without a question: throughput, durations and latency. Questions: ${(await questionNames()).join(', ')}.

  --all              all questions
  --full             all questions, with the rows that take minutes each
  --quick            a look only: small, one round, judged by nothing
  --rounds N         how often each row is measured
  --rows TEXT        only the rows whose names have this text
  --json FILE        writes the answers into this file
  --check            compares with earlier answers: exits with 1 if one is worse
  --results FILE     the earlier answers, by default the committed ones
  --tolerance 0.2    how much worse an answer may be`)
  process.exit(0)
}

/** What a visitor wants to know first. */
const MAIN = ['throughput', 'durations', 'latency']
const ROUNDS = 5
const MAIN_ROUNDS = 3

const known = await questionNames()
const unknown = positionals.find((name) => !known.includes(name))
const tolerance = Number(values.tolerance)
const isMain = positionals.length === 0 && !values.all && !values.full
const wanted = positionals.length > 0 ? positionals : isMain ? MAIN : known
const rounds = values.quick ? 1 : Number(values.rounds ?? (isMain ? MAIN_ROUNDS : ROUNDS))
if (unknown !== undefined) refuse(`no question "${unknown}": there is ${known.join(', ')}`)
if (!Number.isInteger(rounds) || rounds < 1) refuse('--rounds must be a whole number from 1')
if (!(tolerance >= 0 && tolerance < 1)) refuse('--tolerance must be a share, from 0 to below 1')

const { quick, full, rows: only } = values
const measured = circumstances(rounds, quick)
console.log(`${machineText(measured)}; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}\n`)
// Read before it may be written.
const earlier = values.check ? await readResults(values.results) : {}
const results: Record<string, Result> = {}
if (isMain && !quick)
  console.log(`The main questions, in some minutes; --all answers all: ${known.join(', ')}.\n`)
for (const name of wanted) {
  const module = moduleOf(name)
  const question = await loadQuestion(module)
  console.log(`## ${question.title} (${name})\n\n${question.how}\n`)
  const progress = new Progress(name)
  const measurements = await measureRounds(module, {
    rounds,
    quick,
    full,
    only,
    onStep: (step) => progress.begin(step),
  })
  progress.end()
  const answers = answersTo(question, measurements, quick)
  const absences = absencesIn(measurements)
  console.log(`${tableOf(question.unit, question.digits ?? 0, answers, absences)}\n`)
  const result = resultOf(question, answers, measured, absences)
  results[name] = result
  if (values.json !== undefined) await writeResults(values.json, { [name]: result })
}
if (values.check) check(earlier, results)

function check(earlier: Results, results: Results): void {
  const comparison = compare(earlier, results, tolerance)
  console.log(`## Compared with ${values.results}\n\n${comparisonText(comparison, tolerance)}`)
  if (!passes(comparison)) process.exitCode = 1
}

function parsed<const Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config)
  } catch (error) {
    // Behind the first sentence Node.js speaks of something else.
    return refuse(`${(error as Error).message.split('. ')[0]}: --help shows all`)
  }
}

function refuse(why: string): never {
  console.error(why)
  process.exit(2)
}
