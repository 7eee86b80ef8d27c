/** Results as JSON lines on standard output. */
import { once } from 'node:events'
import { printableJson } from '../printable.js'

/**
 * Standard output, for results alone: from now on whatever else writes to it goes to standard error, such as the console.log of
 * workers, which Node.js passes on to the `process.stdout` that it finds.
 */
export function reserveStandardOutput(): NodeJS.WriteStream {
  const { stdout } = process
  Object.defineProperty(process, 'stdout', { configurable: true, get: () => process.stderr })
  return stdout
}

export class Output {
  readonly #stream: NodeJS.WriteStream
  #hasFailed = false

  /** `onFailed` is called once, when nothing can be written any more; with the code EPIPE if nobody reads. */
  constructor(stream: NodeJS.WriteStream, onFailed: (error: NodeJS.ErrnoException) => void) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#hasFailed) return
      this.#hasFailed = true
      onFailed(error)
    })
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY
  }

  /** Writes a result: what it is about, and its outcome. `false`: its outcome is too much for one line. */
  write(subject: object, outcome: object): boolean {
    const { text, isWhole } = lineOf(subject, outcome)
    if (!this.#hasFailed) this.#stream.write(`${text}\n`)
    return isWhole
  }

  /** Fulfilled when what was written has gone to the reader, so that memory stays flat. */
  async drained(): Promise<void> {
    if (!this.#hasFailed && this.#stream.writableNeedDrain) await once(this.#stream, 'drain').catch(() => {})
  }
}

/** A string has a longest length, which JSON may exceed where the value does not. */
function lineOf(subject: object, outcome: object): { text: string; isWhole: boolean } {
  try {
    return { text: printableJson(JSON.stringify({ ...subject, ...outcome }, plain)), isWhole: true }
  } catch (cause) {
    const message = `the output cannot be written as JSON: ${(cause as Error).message}`
    return { text: printableJson(JSON.stringify({ ...subject, error: { message } })), isWhole: false }
  }
}

/** A replacer for what JSON does not know. What it lacks of numbers (NaN, Infinity) it writes as null itself. */
function plain(this: unknown, key: string, value: unknown): unknown {
  // What has a toJSON (as a Buffer has) comes here converted already.
  const original = (this as Record<string, unknown>)[key]
  if (typeof original === 'bigint') return String(original)
  if (typeof original !== 'object' || original === null) return value
  if (original instanceof Map || original instanceof Set) return [...original]
  if (original instanceof Error) return { name: original.name, message: original.message }
  if (original instanceof RegExp) return String(original)
  if (original instanceof ArrayBuffer) return Buffer.from(original).toString('base64')
  if (!ArrayBuffer.isView(original)) return value
  if (original instanceof Uint8Array || original instanceof DataView)
    return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('base64')
  return Object.values(original)
}
