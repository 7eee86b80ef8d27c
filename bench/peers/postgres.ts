/** A PostgreSQL server as it is by default: each commit is fsynced before it is answered. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, HOST, programFile, type Server, startServer } from './server.js'

export const USER = 'bench'
export const DATABASE = 'postgres'

/** Where Debian has the server's programs, below the version. */
const DEBIAN = '/usr/lib/postgresql'

const run = promisify(execFile)

export async function startPostgres(directory: string): Promise<Server> {
  const folders = await programFolders()
  const [initdb, postgres] = ['initdb', 'postgres'].map((name) =>
    programFile(name, 'apt-get install postgresql', folders),
  ) as [string, string]
  const home = join(directory, 'postgres')
  const passwordFile = join(home, 'password')
  const data = join(home, 'data')
  const password = randomUUID()
  const as = await serverUser()
  await mkdir(home, { mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (as) {
    await chmod(directory, 0o711)
    for (const path of [home, passwordFile]) await chown(path, as.uid, as.gid)
  }
  const init = [
    '-D',
    data,
    '-U',
    USER,
    '--pwfile',
    passwordFile,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--no-locale',
  ]
  await run(initdb, [...init, '--no-sync'], { cwd: home, ...as })
  const port = await freePort()
  const settings = [`listen_addresses=${HOST}`, `port=${port}`, 'unix_socket_directories=']
  const server = await startServer(
    { command: postgres, args: ['-D', data, ...settings.flatMap((each) => ['-c', each])], cwd: home, ...as },
    /database system is ready to accept connections/,
  )
  return { port, password, ...server }
}

/** The newest version's first. */
async function programFolders(): Promise<string[]> {
  const versions = await readdir(DEBIAN).catch(() => [])
  return versions.sort((one, other) => Number(other) - Number(one)).map((each) => join(DEBIAN, each, 'bin'))
}

/** Whom the server runs as if this process is root's, for it refuses to run as root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string, name: string) => Number((await run('id', [flag, name])).stdout)
  const name = await run('id', ['postgres']).then(
    () => 'postgres',
    () => 'nobody',
  )
  return { uid: await idOf('-u', name), gid: await idOf('-g', name) }
}
