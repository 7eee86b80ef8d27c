/** Command lines of `millrace`: each ends with one of its exit codes, and says in plain words what was wrong. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Chance } from '../support/chance.js'
import { commandLine, STDIO } from '../support/command.js'
import { Corpus } from './corpus.js'
import type { Target, Verdict } from './target.js'

/** The words of a command line, parted by 0. */
const VALID = [
  ['run', './echo.mjs', 'one', 'two'],
  ['run', './echo.mjs', '--json', '--max-workers', '1', '--timeout', '5s', '--', '-1', '[2]'],
  ['run', './echo.mjs', '--input-file', 'list.txt', '--attempts', '2', '--priority', '-3', '--quiet'],
  ['run', 'millrace/workers/noop', '--dir', 'jobs', '--fresh', '--unfinished', '--retry-failed', 'x'],
  ['run', './echo.mjs', '--export', 'other', '--buffer', '2', 'a', 'b', 'c'],
  ['repair', 'jobs'],
  ['export', '.millrace'],
  ['import', 'jobs', 'list.txt'],
  ['--help'],
  ['run', '--version'],
]
const EXIT_CODES = [0, 1, 2]
const PATIENCE_MS = 120_000

export class CommandLines implements Target {
  readonly batch = 3
  last = ''
  readonly #folder: string
  readonly #lines = new Corpus(VALID.map((words) => Buffer.from(words.join('\0'))))

  constructor(directory: string) {
    this.#folder = join(directory, 'commands')
  }

  async try(chance: Chance): Promise<Verdict> {
    const bytes = chance.is(0.4) ? this.#lines.mutated(chance) : this.#mixed(chance)
    // What is written stays in the folder.
    const words = bytes
      .toString()
      .replace(/\.\.+/g, '_')
      .replace(/(?<!\.|millrace|workers)\/|(?<=^|\0)millrace\/(?!workers)/g, '_')
      .split('\0')
      .slice(0, 50)
    this.last = JSON.stringify(words)
    rmSync(this.#folder, { recursive: true, force: true })
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(
      join(this.#folder, 'echo.mjs'),
      'export default (input) => input; export const other = (input) => [input]',
    )
    writeFileSync(join(this.#folder, 'list.txt'), 'one\ntwo\n')
    const verdict = await this.#run(words)
    this.#lines.learn(bytes, verdict)
    return verdict
  }

  async close(): Promise<void> {}

  /** A command line with a word of another one in the place of one of its own, before it, or none there. */
  #mixed(chance: Chance): Buffer {
    const wordsOf = (line: Uint8Array) => Buffer.from(line).toString().split('\0')
    const words = wordsOf(this.#lines.pick(chance))
    const others = wordsOf(this.#lines.pick(chance))
    const other = others[chance.below(others.length)] ?? ''
    words.splice(1 + chance.below(words.length), chance.below(2), ...(chance.is(0.7) ? [other] : []))
    return Buffer.from(words.join('\0'))
  }

  async #run(words: readonly string[]): Promise<Verdict> {
    const [program, ...args] = commandLine(words)
    const child = spawn(program, args, { cwd: this.#folder, stdio: [...STDIO], timeout: PATIENCE_MS })
    child.stdin?.end('three\nfour\n')
    const closed = once(child, 'close') as Promise<[number | null]>
    const [[code], stderr] = await Promise.all([
      closed,
      child.stderr ? text(child.stderr) : '',
      child.stdout && text(child.stdout),
    ])
    if (code === null || !EXIT_CODES.includes(code)) throw new Error(`it ended with ${code}: ${stderr}`)
    if (/^ {4}at /m.test(stderr)) throw new Error(`it shows a stack trace: ${stderr}`)
    if (code === 0) return 'taken'
    if (stderr.trim() === '' && code === 2) throw new Error('it does not say what is wrong')
    return { refused: code === 1 ? 'some failed' : stderr }
  }
}
