/** Results as JSON lines. */
import { once } from 'node:events'
import type { Job } from '../queue/job-handle.js'

export class Output {
  readonly #stream: NodeJS.WriteStream
  #isClosed = false

  /** `onClosed` is called, once, when nobody reads any more. */
  constructor(stream: NodeJS.WriteStream, onClosed: () => void) {
    this.#stream = stream
    stream.on('error', () => {
      if (this.#isClosed) return
      this.#isClosed = true
      onClosed()
    })
  }

  /** `false`: the job has an output, but too much of it for one line. */
  write(job: Job): boolean {
    if (this.#isClosed) return true
    const { id, state: status } = job
    const { input } = job.meta as { input: unknown }
    const last = job.failures.at(-1)
    const error = last && { name: last.name, message: last.message, code: last.code }
    const outcome =
      status === 'completed' ? { output: job.output ?? null } : { error: error ?? { message: status } }
    const { text, isWhole } = lineOf({ id, status, input }, outcome)
    this.#stream.write(`${text}\n`)
    return isWhole
  }

  /** Fulfilled when what was written has gone to the reader, so that memory stays flat. */
  async drained(): Promise<void> {
    if (!this.#isClosed && this.#stream.writableNeedDrain) await once(this.#stream, 'drain').catch(() => {})
  }
}

/** A string has a longest length, which JSON may exceed where the value does not. */
function lineOf(job: object, outcome: object): { text: string; isWhole: boolean } {
  try {
    return { text: JSON.stringify({ ...job, ...outcome }, plain), isWhole: true }
  } catch (cause) {
    const message = `the output cannot be written as JSON: ${(cause as Error).message}`
    return { text: JSON.stringify({ ...job, error: { message } }), isWhole: false }
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
