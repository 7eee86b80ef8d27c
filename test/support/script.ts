/** Runs a script that uses the library in a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { temporaryDirectory } from './directory.js'
import { FIXTURE } from './queue.js'

const INDEX = new URL('../../src/index.js', import.meta.url)

/** A test that is killed before it can clean up must not leave a process behind that works for ever: its pipe ends with it. */
const END_WITH_PARENT = `process.stdin.on('error', () => {}).on('close', () => process.exit(1)).resume().unref()`

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** The script sees JobQueue, closeOnSignals, the fixture's URL as `fixture`, and its arguments from `process.argv[2]` on. */
export async function runScript(
  t: TestContext,
  script: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Promise<Ended> {
  const child = await startScript(t, script, args, nodeArgs)
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const [[code, signal], stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, signal, stdout, stderr }
}

export async function startScript(
  t: TestContext,
  script: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
  wrapper: readonly string[] = [],
) {
  const prelude = `import { JobQueue, closeOnSignals } from ${JSON.stringify(INDEX.href)}
    const fixture = new URL(${JSON.stringify(FIXTURE.href)})
    ${END_WITH_PARENT}
    `
  const file = join(await temporaryDirectory(t), 'script.mjs')
  await writeFile(file, prelude + script)
  const [command = '', ...rest] = [...wrapper, process.execPath, ...nodeArgs, file, ...args]
  const child = spawn(command, rest, { stdio: 'pipe' })
  // A test that fails must not leave a process behind that works for ever.
  t.after(() => child.kill('SIGKILL'))
  return child
}
