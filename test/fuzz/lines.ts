/** Lines of input for `millrace run`, and lines of jobs for `millrace import`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { headerLine, jobLine, jobOn, tasksIn } from '../../src/cli/job-lines.js'
import { printable, printableJson } from '../../src/cli/printable.js'
import { findInputs } from '../../src/cli/run/inputs.js'
import type { Chance } from '../support/chance.js'
import { Corpus } from './corpus.js'
import { refusal, shown, type Target, type Verdict } from './target.js'
import { encodedValues } from './values.js'

const TASKS = ['a', 'b']
const INPUTS = [
  '{"a":1,"b":[true,null,-0.5e3,"\\u0061\\"\\\\"],"c":{"a":{}}}\r\n\r\n[1, 2.50, 1e-7]\n"text"\n',
  '\uFEFF12345678901234567890\n\u2028 \n{"__proto__":1,"a":2,"a":3}\n',
  'plain text\n\x1b[2J\u202e\n\n  \t\n-0\n0.1\n9007199254740993\n1e400\n[[[[[[]]]]]]',
]
/** What a terminal or a reader of lines obeys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

export class Lines implements Target {
  readonly batch = 500
  last = ''
  readonly #file: string
  readonly #inputs = new Corpus(INPUTS.map((text) => Buffer.from(text)))
  readonly #jobs: Corpus

  constructor(seed: number, directory: string) {
    this.#file = join(directory, 'inputs.txt')
    const place = { lane: 0, priority: 0, seq: 5 }
    const lines = encodedValues(seed).flatMap((body) => [
      jobLine({ place, state: 'waiting', enqueuedAt: 9, head: { meta: body }, body }, 'a'),
      jobLine(
        { place, state: 'completed', enqueuedAt: 9, head: { finishedAt: 10, group: 1 }, body, input: body },
        'a',
      ),
    ])
    this.#jobs = new Corpus([headerLine(TASKS), ...lines].map((line) => Buffer.from(line.trimEnd())))
  }

  async try(chance: Chance): Promise<Verdict> {
    return chance.is(0.5) ? this.#job(chance) : this.#input(chance)
  }

  async close(): Promise<void> {}

  async #input(chance: Chance): Promise<Verdict> {
    const bytes = this.#inputs.mutated(chance)
    this.last = `input lines of ${shown(bytes)}`
    await writeFile(this.#file, bytes)
    const isJson = chance.is(0.7)
    const inputs = await findInputs([], this.#file, isJson)
    let verdict: Verdict = 'taken'
    let last = 0
    for await (const some of inputs.read(new AbortController().signal))
      for (const input of some) {
        if (input.number <= last) throw new Error(`line ${input.number} comes after ${last}`)
        last = input.number
        if ('why' in input) {
          if (input.why === '' || UNSAFE.test(printable(input.why).replace(/\n/g, '')))
            throw new Error('a message is not fit to be shown')
          verdict = { refused: input.why }
        } else checkPrinted(input.value)
      }
    this.#inputs.learn(bytes, verdict)
    return verdict
  }

  #job(chance: Chance): Verdict {
    const bytes = this.#jobs.mutated(chance)
    this.last = `a job's line of ${shown(bytes)}`
    let verdict: Verdict = 'taken'
    try {
      const text = bytes.toString()
      if (chance.is(0.1)) tasksIn(text)
      else jobLine(jobOn(text, 2, TASKS), 'a')
    } catch (error) {
      verdict = refusal(error)
    }
    this.#jobs.learn(bytes, verdict)
    return verdict
  }
}

/** What is written of a value is safe to show, one line, and the value. */
function checkPrinted(value: unknown): void {
  const json = printableJson(JSON.stringify(value))
  if (UNSAFE.test(json) || json.includes('\n')) throw new Error('a line of JSON is not fit to be shown')
  if (JSON.stringify(JSON.parse(json)) !== JSON.stringify(value))
    throw new Error('a line of JSON says another value')
}
