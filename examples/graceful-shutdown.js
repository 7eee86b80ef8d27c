// On SIGINT or SIGTERM running jobs may finish, the others stay in the directory; then the process ends by that signal.
//
//   node examples/graceful-shutdown.js      (twice: the second run goes on with the rest)
import { closeOnSignals, JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/graceful-shutdown', {
  workers: { import: new URL('./workers/import-rows.js', import.meta.url) },
  maxWorkers: 1,
})
closeOnSignals(queue, { timeout: 60_000 })
queue.once('log', () => {
  console.log('asked to stop')
  // In place of Ctrl-C.
  process.kill(process.pid, 'SIGTERM')
})
queue.on('completed', (job) => console.log(`completed: ${job.output.rows} rows`))

const { waiting } = queue.recovered
if (waiting > 0) console.log(`waiting since the last run: ${waiting}`)
else await queue.enqueueMany('import', new Array(3).fill({ rows: 50_000_000 }))
