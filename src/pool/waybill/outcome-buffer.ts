/** What became of the jobs of a waybill, as its thread sends it: many outcomes in one buffer. */
import { decode, UNDEFINED } from '../../codec/codec.js'
import { type ErrorData, isErrorData, toErrorData } from '../../errors/error-data.js'

/** Is told what became of a job in its thread: `bytes` is its encoded output, or its encoded error. */
type Receiver = (index: number, isError: boolean, ranMs: number, bytes: Uint8Array) => void

const OUTCOME_BYTES = 20

/** No job runs for longer: some 300 years. */
const LONGEST_RUN_MS = 1e13

/** Outcomes on their way back, gathered in one growing buffer. */
export class OutcomeBuffer {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#length
  }

  push(index: number, isError: boolean, ranMs: number, bytes: Uint8Array): void {
    const end = this.#length + OUTCOME_BYTES + bytes.byteLength
    if (end > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.byteLength))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#use(grown)
    }
    const view = this.#view
    const start = this.#length
    view.setUint32(start, index)
    view.setUint32(start + 4, isError ? 1 : 0)
    view.setFloat64(start + 8, ranMs)
    view.setUint32(start + 16, bytes.byteLength)
    this.#bytes.set(bytes, start + OUTCOME_BYTES)
    this.#length = end
    this.#count++
  }

  /** Hands over what was gathered, to be transferred, and starts with an empty buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#use(new Uint8Array(1024))
    this.#length = 0
    this.#count = 0
    return taken
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

/** Whether these bytes are whole outcomes, as `OutcomeBuffer.take` gives them. */
export function holdsOutcomes(packed: Uint8Array): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  let at = 0
  while (at + OUTCOME_BYTES <= packed.byteLength) {
    const ranMs = view.getFloat64(at + 8)
    if (!(ranMs >= 0 && ranMs <= LONGEST_RUN_MS)) return false
    at += OUTCOME_BYTES + view.getUint32(at + 16)
  }
  return at === packed.byteLength
}

/** Tells the outcomes in what `OutcomeBuffer.take` gave. Their bytes are views on it. */
export function readOutcomes(packed: Uint8Array, receive: Receiver): void {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  for (let at = 0; at < packed.byteLength; ) {
    const length = view.getUint32(at + 16)
    const start = at + OUTCOME_BYTES
    const isUndefined = length === 1 && packed[start] === UNDEFINED[0]
    const bytes = isUndefined ? UNDEFINED : packed.subarray(start, start + length)
    receive(view.getUint32(at), view.getUint32(at + 4) === 1, view.getFloat64(at + 8), bytes)
    at = start + length
  }
}

/** What a job threw, as its thread encoded it; a worker module may have sent anything in its place. */
export function errorIn(bytes: Uint8Array): ErrorData {
  try {
    const data = decode(bytes)
    return isErrorData(data) ? data : toErrorData(data)
  } catch (error) {
    return toErrorData(error)
  }
}
