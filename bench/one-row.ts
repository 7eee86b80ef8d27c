/** The process of one row: prepares or measures, and sends what it has measured. */
import { loadQuestion, type RowTask } from './rounds.js'

const { question, row: name, step, run } = JSON.parse(process.argv[2] ?? '{}') as RowTask
const row = (await loadQuestion(question)).rows.find((each) => each.name === name)
if (!row) throw new Error(`${question} has no row "${name}"`)
const measured = step === 'prepare' ? await row.prepare?.(run) : await row.measure(run)
process.send?.(measured ?? 0)
process.disconnect?.()
