/** A worker process of plainjob's. */
import type { Work } from './peer.js'
import { openPlainjob, startWorker } from './plainjob.js'

const [work, file] = process.argv.slice(2) as [Work, string]
const queue = await openPlainjob(file)
const stop = await startWorker(queue, work, (id) => process.send?.(id))
process.once('disconnect', async () => {
  await stop()
  queue.close()
})
