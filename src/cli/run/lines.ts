/** A stream as lines, in pieces: what has arrived is handed on at once. */

export interface Line {
  /** Without its end; `undefined` if it is too long. */
  readonly bytes: Buffer | undefined
  /** Counted from 1. */
  readonly number: number
}

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * Lines end in LF or CRLF and nothing else: U+2028, at which Node's readline splits, may stand inside a JSON string. Memory
 * holds one piece of the stream, and at most `mostBytes` of a line that is longer.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Line[]> {
  const line = new UnfinishedLine(mostBytes)
  let number = 0
  for await (const piece of stream) {
    const lines: Line[] = []
    let from = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      line.add(piece.subarray(from, end))
      lines.push({ bytes: withoutReturn(line.take()), number: ++number })
      from = end + 1
    }
    line.add(piece.subarray(from))
    if (lines.length > 0) yield lines
  }
  if (line.length > 0) yield [{ bytes: line.take(), number: ++number }]
}

/** The pieces of a line whose end has not come. One that is too long is counted, but not kept. */
class UnfinishedLine {
  readonly #mostBytes: number
  #pieces: Buffer[] = []
  length = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  add(piece: Buffer): void {
    this.length += piece.length
    if (this.length > this.#mostBytes) this.#pieces = []
    else if (piece.length > 0) this.#pieces.push(piece)
  }

  /** The whole line, or `undefined` if it is too long. The next one begins. */
  take(): Buffer | undefined {
    const bytes = this.length > this.#mostBytes ? undefined : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.length = 0
    return bytes
  }
}

function withoutReturn(bytes: Buffer | undefined): Buffer | undefined {
  return bytes?.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes
}
