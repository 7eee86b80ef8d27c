/** Where the inputs of `millrace run` come from: arguments, else the lines of a file, else those of standard input. */
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import { linesOf } from './lines.js'

/** The command was called wrongly. */
export class UsageError extends Error {}

/** The inputs, as many at a time as have arrived. To be iterated once. Aborting the signal ends a wait for more. */
export type Inputs = (signal: AbortSignal) => AsyncGenerator<unknown[]>

/** @throws {UsageError} there are no inputs to be had. */
export async function findInputs(
  args: readonly string[],
  inputFile: string | undefined,
  isJson: boolean,
): Promise<Inputs> {
  if (args.length > 0) {
    if (inputFile !== undefined) throw new UsageError('give inputs as arguments or in --input-file, not both')
    const inputs = args.map((text, index) => (isJson ? parse(text, `input ${index + 1}`) : text))
    return async function* () {
      yield inputs
    }
  }
  if (inputFile === undefined) {
    if (process.stdin.isTTY)
      throw new UsageError('no inputs: give them as arguments, in --input-file or on standard input')
    return (signal) => readLines(addAbortSignal(signal, process.stdin), 'standard input', isJson)
  }
  await checkReadable(inputFile)
  return (signal) => readLines(addAbortSignal(signal, createReadStream(inputFile)), inputFile, isJson)
}

async function checkReadable(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new UsageError(`there is no input file ${file}`)
  if (found.isDirectory()) throw new UsageError(`the input file ${file} is a directory`)
  await access(file, constants.R_OK).catch(() => {
    throw new UsageError(`the input file ${file} may not be read`)
  })
}

/** Blank lines are no inputs, but count as lines. */
async function* readLines(stream: Readable, name: string, isJson: boolean): AsyncGenerator<unknown[]> {
  for await (const lines of linesOf(stream)) {
    const inputs: unknown[] = []
    for (const { bytes, number } of lines) {
      const place = `line ${number} of ${name}`
      const text = decode(bytes, place)
      if (text.trim() !== '') inputs.push(isJson ? parse(text, place) : text)
    }
    yield inputs
  }
}

/** Strict: a file's name that is not UTF-8 must not become that of another file. A byte order mark goes. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer, place: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new UsageError(`${place} is not UTF-8`)
  }
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${place} is not JSON: ${(error as Error).message}`)
  }
}
