/**
 * Brotli precompression: compresses a file once, as small as it gets, for a web server to send as it is.
 *
 * ```ts
 * await queue.enqueue('brotli', { file: 'public/app.js' }) // writes public/app.js.br
 * ```
 */
import { brotliCompressSync, constants } from 'node:zlib'
import { checkInteger, checkText, withOptions } from './internal/check.js'
import { readWhole } from './internal/read-file.js'
import { checkOutput, writeFile } from './internal/write-file.js'

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

const MEMBERS = ['file', 'output', 'quality']

/**
 * Compresses a file (given as its path, or with options) into `output`, which appears whole or not at all. The same file gives the
 * same bytes. The output has no more permissions than the file.
 */
export default function brotli(input: string | BrotliInput): BrotliOutput {
  const given: BrotliInput = withOptions(input, MEMBERS)
  const { file, output = `${file}.br`, quality = constants.BROTLI_MAX_QUALITY } = given
  checkText(file, 'file')
  checkText(output, 'output')
  checkInteger(quality, 'quality', constants.BROTLI_MIN_QUALITY, constants.BROTLI_MAX_QUALITY)
  checkOutput(output, file)
  const { content, mode } = readWhole(file)
  const compressed = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
    },
  })
  writeFile(output, compressed, mode)
  return { file, output, bytesIn: content.byteLength, bytesOut: compressed.byteLength }
}
