/** Where the inputs of `millrace run` come from. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'

/** The command was called wrongly. */
export class UsageError extends Error {}

export interface InputSource {
  readonly inputs: readonly string[]
  readonly inputFile: string | undefined
  readonly json: boolean
}

/** The inputs in turn, in chunks: arguments, else the lines of a file, else those of standard input. Empty lines are skipped. */
export async function* readInputs(source: InputSource, chunkSize: number): AsyncGenerator<unknown[]> {
  let chunk: unknown[] = []
  let line = 0
  for await (const text of await textsOf(source)) {
    line++
    if (text.trim() === '') continue
    chunk.push(source.json ? parse(text, line) : text)
    if (chunk.length < chunkSize) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

async function textsOf({
  inputs,
  inputFile,
}: InputSource): Promise<Iterable<string> | AsyncIterable<string>> {
  if (inputs.length > 0 && inputFile !== undefined)
    throw new UsageError('give inputs as arguments or in --input-file, not both')
  if (inputs.length > 0) return inputs
  if (inputFile === undefined) {
    if (process.stdin.isTTY)
      throw new UsageError('no inputs: give them as arguments, in --input-file or on standard input')
    return createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  }
  const found = await stat(inputFile).catch(() => undefined)
  if (!found || found.isDirectory()) throw new UsageError(`there is no input file ${inputFile}`)
  return createInterface({ input: createReadStream(inputFile), crlfDelay: Number.POSITIVE_INFINITY })
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`input ${line} is not JSON: ${(error as Error).message}`)
  }
}
