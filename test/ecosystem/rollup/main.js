import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JobQueue } from 'millrace'

const workers = { area: new URL('./workers/area.js', import.meta.url) }
const queue = await JobQueue.open(await mkdtemp(join(tmpdir(), 'millrace-')), { workers })
const job = await queue.enqueue('area', { width: 6, height: 7 })
console.log(await job.finished())
await queue.close()
