/** Servers that peers need: started on loopback, in a directory of the bench's, and stopped with it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { NotInstalled } from '../question.js'

export const HOST = '127.0.0.1'

export interface Server {
  readonly port: number
  readonly password: string
  stop(): Promise<unknown>
}

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly uid?: number
  readonly gid?: number
}

/** Starts a server, which is ready when it says so. `stop` waits for its end; it ends too if this process does. */
export async function startServer(
  server: ServerCommand,
  isReady: RegExp,
): Promise<{ stop(): Promise<unknown> }> {
  const keeper = fork(new URL('./keeper.js', import.meta.url), [JSON.stringify(server)], {
    // Out of reach of the terminal's signals, which would end the server before what uses it.
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const said: string[] = []
  const ready = new Promise<void>((resolve) => {
    for (const output of [keeper.stdout, keeper.stderr])
      if (output)
        createInterface(output).on('line', (line) => {
          said.push(line)
          if (isReady.test(line)) resolve()
        })
  })
  await Promise.race([
    ready,
    once(keeper, 'close').then(() => {
      throw new Error(`${server.command} ended: ${said.slice(-5).join('\n')}`)
    }),
  ])
  return {
    stop() {
      const ended = once(keeper, 'exit')
      keeper.disconnect()
      return ended
    },
  }
}

/** A port that nothing listens at, at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST)
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** The file of a program on the `PATH`, or in one of these folders. */
export function programFile(name: string, install: string, folders: readonly string[] = []): string {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...folders]) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not here.
    }
  }
  throw new NotInstalled(install)
}
