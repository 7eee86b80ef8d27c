/** A stream as lines, in pieces: what has arrived is handed on at once. */

export interface Line {
  readonly bytes: Buffer
  /** Counted from 1. */
  readonly number: number
}

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * Lines end in LF or CRLF and nothing else: U+2028, at which Node's readline splits, may stand inside a JSON string. Memory
 * holds one piece of the stream, and one line if that is longer.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let unfinished: Buffer[] = []
  let number = 0
  for await (const piece of stream) {
    const lines: Line[] = []
    let from = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      const bytes = Buffer.concat([...unfinished, piece.subarray(from, end)])
      unfinished = []
      lines.push({ bytes: bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes, number: ++number })
      from = end + 1
    }
    if (from < piece.length) unfinished.push(piece.subarray(from))
    if (lines.length > 0) yield lines
  }
  if (unfinished.length > 0) yield [{ bytes: Buffer.concat(unfinished), number: ++number }]
}
