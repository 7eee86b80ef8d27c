/** A Redis server whose append-only file is on, as queues that must not lose jobs need it. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, HOST, programFile, type Server, startServer } from './server.js'

/** When what was written to the append-only file is fsynced: before a command is answered, or each second. */
export type AppendFsync = 'always' | 'everysec'

export async function startRedis(directory: string, appendfsync: AppendFsync): Promise<Server> {
  const command = programFile('redis-server', 'apt-get install redis-server')
  const port = await freePort()
  const password = randomUUID()
  const settings = [
    `bind ${HOST}`,
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${directory}"`,
    'appendonly yes',
    `appendfsync ${appendfsync}`,
    'save ""',
    'maxmemory-policy noeviction',
  ]
  // Not among the arguments, which all can read.
  const file = join(directory, 'redis.conf')
  await writeFile(file, settings.join('\n'), { mode: 0o600 })
  const server = await startServer({ command, args: [file], cwd: directory }, /Ready to accept connections/)
  return { port, password, ...server }
}
