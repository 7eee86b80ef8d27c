/**
 * Brotli precompression: compresses a file once, as small as it gets, for a web server to send as it is.
 *
 * ```ts
 * await queue.enqueue('brotli', { file: 'public/app.js' }) // writes public/app.js.br
 * ```
 */
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'
import { checkInteger, checkText } from './internal/check.js'
import { writeWhole } from './internal/write-whole.js'

export interface BrotliInput {
  /** The file to compress. */
  file: string
  /** Where the compressed file goes. Default: `file` with `.br` after it. */
  output?: string
  /** 0 (fast) to 11 (small). Default 11. */
  quality?: number
}

export interface BrotliOutput {
  file: string
  output: string
  /** Sizes in bytes, before and after. */
  bytesIn: number
  bytesOut: number
}

/**
 * Compresses a file (given as its path, or with options) into `output`, which appears whole or not at all. The same file gives the
 * same bytes.
 */
export default function brotli(input: string | BrotliInput): BrotliOutput {
  const {
    file,
    output = `${file}.br`,
    quality = 11,
  }: BrotliInput = typeof input === 'string' ? { file: input } : { ...input }
  checkText(file, 'file')
  checkText(output, 'output')
  checkInteger(quality, 'quality', constants.BROTLI_MIN_QUALITY, constants.BROTLI_MAX_QUALITY)
  const plain = readFileSync(file)
  const compressed = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.byteLength,
    },
  })
  writeWhole(output, compressed, file)
  return { file, output, bytesIn: plain.byteLength, bytesOut: compressed.byteLength }
}
