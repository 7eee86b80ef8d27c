/** Where the inputs of `millrace run` come from: arguments, else the lines of a file, else those of standard input. */
import { constants, createReadStream, fstatSync } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import { UsageError } from '../usage-error.js'
import { nameOfJson, parseExactly } from './exact-json.js'
import { linesOf } from './lines.js'

/** A line, or an argument, that can be run. */
export interface Input {
  /** Counted from 1, blank lines too. */
  readonly number: number
  readonly value: unknown
  /** The same for equal inputs only. */
  readonly name: string
}

/** A line that cannot be run. */
export interface BadInput {
  readonly number: number
  readonly why: string
}

export interface Inputs {
  /** Inputs, as many at a time as have arrived. To be iterated once. Aborting the signal ends a wait for more. */
  read(signal: AbortSignal): AsyncGenerator<(Input | BadInput)[]>
  /** Where an input stands, for messages: `line 3 of names.txt`. */
  placeOf(number: number): string
}

/** As much as a queue takes for one input by default. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024

/** @throws {UsageError} there are no inputs to be had, or an argument cannot be run. */
export async function findInputs(
  args: readonly string[],
  inputFile: string | undefined,
  isJson: boolean,
): Promise<Inputs> {
  if (args.length > 0) {
    if (inputFile !== undefined) throw new UsageError('give inputs as arguments or in --input-file, not both')
    return fromArguments(args, isJson)
  }
  if (inputFile !== undefined) {
    await checkReadable(inputFile)
    return fromLines(() => createReadStream(inputFile), inputFile, isJson)
  }
  if (process.stdin.isTTY)
    throw new UsageError('no inputs: give them as arguments, in --input-file or on standard input')
  // Node.js would read nothing from it, without an error.
  if (fstatSync(0).isDirectory())
    throw new UsageError('standard input is a directory: give a file, or the inputs as arguments')
  return fromLines(() => process.stdin, 'standard input', isJson)
}

async function checkReadable(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new UsageError(`there is no input file ${file}`)
  if (found.isDirectory()) throw new UsageError(`the input file ${file} is a directory`)
  await access(file, constants.R_OK).catch(() => {
    throw new UsageError(`the input file ${file} may not be read`)
  })
}

function fromArguments(args: readonly string[], isJson: boolean): Inputs {
  const placeOf = (number: number) => `input ${number}`
  const inputs = args.map((text, index) => inputOf(text, index + 1, isJson))
  for (const input of inputs)
    if ('why' in input) throw new UsageError(`${placeOf(input.number)} ${input.why}`)
  return {
    placeOf,
    async *read() {
      yield inputs
    },
  }
}

function fromLines(open: () => Readable, source: string, isJson: boolean): Inputs {
  return {
    placeOf: (number) => `line ${number} of ${source}`,
    async *read(signal) {
      const lines = linesOf(addAbortSignal(signal, open()), LONGEST_LINE_BYTES)
      try {
        for await (const some of lines)
          yield some.flatMap(({ bytes, number }) => inputsIn(bytes, number, isJson))
      } catch (error) {
        if (signal.aborted || !(error instanceof Error)) throw error
        throw new UsageError(`${source} cannot be read: ${error.message}`, { cause: error })
      }
    },
  }
}

/** The input on a line. Blank lines have none. */
function inputsIn(bytes: Buffer | undefined, number: number, isJson: boolean): (Input | BadInput)[] {
  if (bytes === undefined)
    return [
      {
        number,
        why: `is longer than ${LONGEST_LINE_BYTES} bytes: put the data in a file and give its path`,
      },
    ]
  const text = decode(number === 1 ? withoutByteOrderMark(bytes) : bytes)
  if (text === undefined) return [{ number, why: 'is not UTF-8' }]
  return /^[ \t\v\f\r]*$/.test(text) ? [] : [inputOf(text, number, isJson)]
}

function inputOf(text: string, number: number, isJson: boolean): Input | BadInput {
  if (!isJson) return { number, value: text, name: `text ${JSON.stringify(text)}` }
  try {
    const value = parseExactly(text)
    return { number, value, name: `json ${nameOfJson(value)}` }
  } catch (error) {
    const what = error instanceof SyntaxError ? 'is not JSON' : 'would not arrive as it is written'
    return { number, why: `${what}: ${(error as Error).message}` }
  }
}

/** Strict: a file's name that is not UTF-8 must not become that of another file. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** It says how the whole text is encoded; further on it would be a character of a line. */
function withoutByteOrderMark(bytes: Buffer): Buffer {
  const [first, second, third] = bytes
  return first === 0xef && second === 0xbb && third === 0xbf ? bytes.subarray(3) : bytes
}
