// What a running job says reaches the application as events.
//
//   node examples/progress-and-log.js
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/progress-and-log', {
  workers: { import: new URL('./workers/import-rows.js', import.meta.url) },
})
let newest
queue.on('log', (job, text) => console.log(`${job.task}: ${text}`))
queue.on('progress', (_job, value) => {
  newest = value
})

const job = await queue.enqueue('import', { rows: 2_000_000 })
const { sum } = await job.finished()
console.log('newest progress:', newest)
console.log(`sum: ${sum}`)
await queue.close()
