/** The process of one row: prepares or measures, and sends what it has measured. */
import { type Measured, type Missing, NotInstalled, type Row, type Run } from './question.js'
import { loadQuestion, type RowTask } from './rounds.js'

// It ends with the bench that asked for it.
process.once('disconnect', () => process.exit())

const { module, row: name, step, run } = JSON.parse(process.argv[2] ?? '{}') as RowTask
const row = (await loadQuestion(new URL(module))).rows.find((each) => each.name === name)
if (!row) throw new Error(`${module} has no row "${name}"`)
const measured = step === 'prepare' ? await row.prepare?.(run) : await measure(row, run)
// Not before it is sent: a large message would be cut off.
process.send?.(measured ?? 0, () => process.disconnect?.())

async function measure(row: Row, run: Run): Promise<Measured | Missing> {
  try {
    return await row.measure(run)
  } catch (error) {
    if (error instanceof NotInstalled) return { missing: error.message }
    throw error
  }
}
