import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { folderWith } from './command.js'
import { startScript } from './script.js'

test('a command ends when the process that started it is killed, though a job of it never ends', async (t) => {
  const folder = await folderWith(
    t,
    'stuck.mjs',
    `import { once } from 'node:events'
    import { connect } from 'node:net'
    export default async (port) => {
      await once(connect(Number(port)), 'connect')
      for (;;);
    }`,
  )
  // The job's connection stays open for as long as its process lives.
  const server = createServer().listen(0)
  t.after(() => server.close())
  const support = new URL('./command.js', import.meta.url)
  const { port } = server.address() as AddressInfo
  const parent = await startScript(
    t,
    `const { startCommand } = await import(${JSON.stringify(support.href)})
    const [folder, port] = process.argv.slice(2)
    startCommand({ after() {} }, folder, ['run', './stuck.mjs', port]).end()`,
    [folder, String(port)],
  )
  const [connection] = (await once(server, 'connection')) as [Socket]
  connection.on('error', () => {}).resume()
  parent.kill('SIGKILL')
  await once(connection, 'close')
})
