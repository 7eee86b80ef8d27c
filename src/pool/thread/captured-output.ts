/**
 * What a job prints, as lines of its log: `console.*`, `process.stdout` and `process.stderr`, with the option `captureConsole`.
 *
 * ```
 *  printed ──in the asynchronous context of a job that runs──▶ gathered ──end of the line, or of the job──▶ its log
 *     └──outside of a job, or when it has ended──▶ standard output or standard error
 * ```
 *
 * So what an earlier job has left running is not taken for the job that runs now, nor one job for another that runs beside it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { StringDecoder } from 'node:string_decoder'
import type { Printed } from '../thread-messages.js'

type Stream = Printed['stream']

/** So much is a line, though it has not ended. */
const LINE_CHARACTERS = 4096

const printing = new AsyncLocalStorage<CapturedOutput>()

export class CapturedOutput {
  readonly #log: (line: string) => void
  readonly #decoders = { stdout: new StringDecoder(), stderr: new StringDecoder() }
  /** Lines that have not ended. */
  readonly #begun = { stdout: '', stderr: '' }
  #hasEnded = false

  constructor(log: (line: string) => void) {
    this.#log = log
  }

  /** Calls a job's function: what it prints is captured, also later. */
  during<Output>(call: () => Output): Output {
    return printing.run(this, call)
  }

  /** `false`: the job has ended. */
  take(stream: Stream, bytes: Uint8Array): boolean {
    if (this.#hasEnded) return false
    const lines = (this.#begun[stream] + this.#decoders[stream].write(bytes)).split(/\r?\n/)
    let begun = lines.pop() ?? ''
    for (const line of lines) this.#log(line)
    for (; begun.length > LINE_CHARACTERS; begun = begun.slice(LINE_CHARACTERS))
      this.#log(begun.slice(0, LINE_CHARACTERS))
    this.#begun[stream] = begun
    return true
  }

  /** The job has ended: what it has begun is a line. */
  end(): void {
    this.#hasEnded = true
    for (const line of [this.#begun.stdout, this.#begun.stderr]) if (line !== '') this.#log(line)
  }
}

/** Takes what is printed, if a job prints it whose output is captured. */
export function capture(stream: Stream, bytes: Uint8Array): boolean {
  return printing.getStore()?.take(stream, bytes) ?? false
}
