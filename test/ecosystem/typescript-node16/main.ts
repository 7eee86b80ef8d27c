import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JobQueue } from 'millrace'
import type area from './workers/area'

async function main(): Promise<void> {
  const queue = await JobQueue.open<{ area: typeof area }>(await mkdtemp(join(tmpdir(), 'millrace-')), {
    workers: { area: join(__dirname, 'workers/area.js') },
  })
  const job = await queue.enqueue('area', { width: 6, height: 7 })
  const result: number = await job.finished()
  console.log(result)
  await queue.close()
}

void main()
