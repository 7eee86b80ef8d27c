/** The process that is recorded: fills a queue, backs it up beside itself, and ends. Its argument: the directories' parent. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JobQueue } from '../../src/index.js'
import { say } from './recording.js'

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [parent = ''] = process.argv.slice(2)
  const workers = { where: new URL('../fixtures/worker.js', import.meta.url) }
  const queue = await JobQueue.open(join(parent, 'queue'), { workers, maxWorkers: 0 })
  // LevelDB goes on to a new log after it, and neither syncs the old one nor has time to make a table of it.
  await queue.enqueue('where', randomBytes(2 ** 25))
  await queue.backup(join(parent, 'copy'))
  say('backed up')
  process.exit()
}
