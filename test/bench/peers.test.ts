import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { load } from '../../bench/peers/peer.js'
import { freePort, HOST, programFile, type ServerCommand, startServer } from '../../bench/peers/server.js'
import { NotInstalled } from '../../bench/question.js'
import { temporaryDirectory } from '../support/directory.js'

interface Package {
  dependencies: Record<string, string>
  devDependencies?: Record<string, string>
}

const SERVER = new URL('../../bench/peers/server.js', import.meta.url)

/** A server that listens for ever, and does not notice who is gone. */
function serverCommand(cwd: string, port: number): ServerCommand {
  const program = `require('net').createServer().listen(${port}, '${HOST}', () => console.log('it is ready'))`
  return { command: process.execPath, args: ['-e', program], cwd }
}

/** A connection to who listens at a port: it tells when that ends. */
async function connected(t: TestContext, port: number): Promise<{ ended: Promise<unknown> }> {
  const socket = connect(port, HOST)
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  // Reset or closed: `once` would take the former for a failure.
  socket.on('error', () => {}).resume()
  return { ended: new Promise((resolve) => socket.on('close', resolve)) }
}

test('a server that is stopped has ended', async (t) => {
  const port = await freePort()
  const server = await startServer(serverCommand(await temporaryDirectory(t), port), /ready/)
  const { ended } = await connected(t, port)
  await server.stop()
  await ended
})

test('a server ends with the process that started it, even if that is killed', async (t) => {
  const port = await freePort()
  const command = JSON.stringify(serverCommand(await temporaryDirectory(t), port))
  const script = `import { startServer } from '${SERVER.href}'
    await startServer(${command}, /ready/)
    console.log('started')`
  const args = ['--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const { ended } = await connected(t, port)
  child.kill('SIGKILL')
  await ended
})

test('a server that ends before it is ready fails with what it said', async (t) => {
  const cwd = await temporaryDirectory(t)
  const command = {
    command: process.execPath,
    args: ['-e', 'console.error("no room"); process.exit(1)'],
    cwd,
  }
  await assert.rejects(startServer(command, /ready/), /no room/)
})

test('what is not installed says how it gets there', async () => {
  await assert.rejects(load('no-such-package'), new NotInstalled('npm ci --prefix bench'))
  assert.throws(
    () => programFile('no-such-program', 'apt-get install it'),
    new NotInstalled('apt-get install it'),
  )
})

test("peers are no dependencies of the product's, and lock no address that they were got from", async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const read = async (file: string) => JSON.parse(await readFile(join(root, file), 'utf8')) as Package
  const product = await read('package.json')
  const { dependencies } = await read('bench/package.json')
  assert.ok(Object.keys(dependencies).length > 0)
  for (const name of Object.keys(dependencies))
    assert.ok(!(name in product.dependencies) && !(name in (product.devDependencies ?? {})), name)
  assert.ok(!(await readFile(join(root, 'bench/package-lock.json'), 'utf8')).includes('"resolved"'))
})
