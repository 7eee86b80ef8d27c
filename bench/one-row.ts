/** The process of one row: prepares or measures, and sends what it has measured. */
import { loadQuestion, type RowTask } from './rounds.js'

const { module, row: name, step, run } = JSON.parse(process.argv[2] ?? '{}') as RowTask
const row = (await loadQuestion(new URL(module))).rows.find((each) => each.name === name)
if (!row) throw new Error(`${module} has no row "${name}"`)
const measured = step === 'prepare' ? await row.prepare?.(run) : await row.measure(run)
// Not before it is sent: a large message would be cut off.
process.send?.(measured ?? 0, () => process.disconnect?.())
