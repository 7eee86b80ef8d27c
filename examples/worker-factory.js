// A worker factory: a function that says, job by job, which module runs it. It sees the job's metadata, not its input.
//
//   node examples/worker-factory.js
import { JobQueue } from 'millrace'

const queue = await JobQueue.open('.millrace/worker-factory', {
  workers: (job) => ({
    module: new URL('./workers/convert.js', import.meta.url),
    export: job.meta?.style === 'reversed' ? 'reversed' : 'upper',
  }),
  // With a factory, options of single tasks stand here.
  tasks: { convert: { concurrency: 1, timeout: 10_000 } },
})

const plain = await queue.enqueue('convert', { text: 'millrace' })
console.log(await plain.finished())
const styled = await queue.enqueue('convert', { text: 'millrace' }, { meta: { style: 'reversed' } })
console.log(await styled.finished())
await queue.close()
