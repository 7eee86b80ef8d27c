// Worker modules in TypeScript: the types of input and output flow from the module to the queue.
//
//   node --import tsx examples/typescript.ts
import { JobQueue } from 'millrace'

const queue = await JobQueue.open<{ 'word-count': typeof import('./workers/word-count.js') }>(
  '.millrace/typescript',
  { workers: { 'word-count': new URL('./workers/word-count.ts', import.meta.url) } },
)
const job = await queue.enqueue('word-count', { text: 'The wheel turns, the water runs, the mill grinds.' })
const counts: Map<string, number> = await job.finished()
console.log(`the: ${counts.get('the')}`)
await queue.close()
