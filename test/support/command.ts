/** Runs the millrace command in a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './directory.js'
import { FIXTURE } from './queue.js'
import type { Ended } from './script.js'

const MAIN = fileURLToPath(new URL('../../src/cli/millrace.cjs', import.meta.url))

/**
 * Ends the command when the process that started it ends, even by SIGKILL: then the pipe at descriptor 3 closes. The pipe of standard
 * input cannot serve for this, because its end is only the end of the inputs.
 */
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  `import { isMainThread } from 'node:worker_threads'
  import { Socket } from 'node:net'
  if (isMainThread) new Socket({ fd: 3 }).on('error', () => {}).on('close', () => process.exit(1)).resume().unref()`,
)}`

/** The command's program and arguments. The process needs a pipe at descriptor 3. */
export function commandLine(args: readonly string[]): [string, ...string[]] {
  return [process.execPath, '--import', END_WITH_PARENT, MAIN, ...args]
}

/** Streams for a process that is started with `commandLine`. */
export const STDIO = ['pipe', 'pipe', 'pipe', 'pipe'] as const

/** The arguments that run an export of the fixture. */
export function fixtureRun(exportName: string, ...rest: string[]): string[] {
  return ['run', fileURLToPath(FIXTURE), '--export', exportName, ...rest]
}

/** Writes a worker module into a new directory, to run the command in. */
export async function folderWith(t: TestContext, name: string, source: string): Promise<string> {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, name), source)
  return folder
}

/** A command that was started, and what it has written so far. */
export class Command {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcessWithoutNullStreams
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        this[name] += text
      })
    // A command that ends before it has read everything is no fault of the writer.
    child.stdin.on('error', () => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  end(text: string | Uint8Array = ''): void {
    this.#child.stdin.end(text)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Reads a stream no more, as `head` does. */
  close(name: 'stdout' | 'stderr'): void {
    this.#child[name].destroy()
  }

  /** Fulfilled when a stream has had a text so many times. */
  async shows(name: 'stdout' | 'stderr', text: string, times = 1): Promise<void> {
    const stream = this.#child[name]
    await new Promise<void>((resolve, reject) => {
      const done = () => stream.off('data', look).off('close', closed)
      const look = () => {
        if (this[name].split(text).length <= times) return
        done()
        resolve()
      }
      const closed = () => {
        done()
        reject(new Error(`no ${JSON.stringify(text)}, ${times} times, in ${this.stdout}${this.stderr}`))
      }
      stream.on('data', look).on('close', closed)
      look()
    })
  }

  async ended(): Promise<Ended> {
    const [code, signal] = await this.#closed
    return { code, signal, stdout: this.stdout, stderr: this.stderr }
  }
}

/** Starts the command. The end of the test ends it, and so does the end of this process. */
export function startCommand(
  t: TestContext,
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Command {
  const [program, ...rest] = commandLine(args)
  const child = spawn(program, rest, { cwd, env: { ...process.env, ...env }, stdio: [...STDIO] })
  // With these streams, all of them are pipes.
  const command = new Command(child as ChildProcessWithoutNullStreams)
  t.after(() => {
    command.kill('SIGKILL')
    return command.ended()
  })
  return command
}

/** Runs the command to its end. */
export function runCommand(
  t: TestContext,
  cwd: string,
  args: readonly string[],
  stdin: string | Uint8Array = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const command = startCommand(t, cwd, args, env)
  command.end(stdin)
  return command.ended()
}

export interface ResultLine {
  id: string
  status: string
  input: unknown
  output?: unknown
  line?: number
  attempts?: number
  error?: { name?: string; message: string; code?: string; stack?: string }
}

/** The results that were written, in the order of their inputs' texts. */
export function resultsIn(stdout: string): ResultLine[] {
  const lines = stdout.split('\n').filter((line) => line !== '')
  const sortKey = ({ input }: ResultLine) =>
    typeof input === 'string' ? input : (JSON.stringify(input) ?? '')
  return lines
    .map((line) => JSON.parse(line) as ResultLine)
    .sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1))
}

/** Pairs of input and output, likewise. */
export function outputsIn(stdout: string): [unknown, unknown][] {
  return resultsIn(stdout).map(({ input, output }) => [input, output])
}

export async function linesOfFile(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n')
}
