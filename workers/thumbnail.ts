/**
 * Image thumbnails, with the library sharp: `npm install sharp`.
 *
 * ```ts
 * await queue.enqueue('thumbnail', { file: 'photo.jpg', width: 200 }) // writes photo.jpg.thumbnail.webp
 * ```
 */
import { UnrecoverableError } from '../src/worker.js'
import { checkInteger, checkText, show, withOptions } from './internal/check.js'
import { readWhole } from './internal/read-file.js'
import { checkOutput, writeFile } from './internal/write-file.js'

export interface ThumbnailInput {
  file: string
  /** Where the thumbnail goes. Default: `file` with `.thumbnail.` and the format after it. */
  output?: string
  /** The box that the image is to fit into, in pixels: 1 to 16,384 each. Default: 256 wide. */
  width?: number
  height?: number
  /** Default `'webp'`. */
  format?: 'avif' | 'jpeg' | 'png' | 'webp'
  /** 1 to 100. Default 80. */
  quality?: number
}

export interface ThumbnailOutput {
  file: string
  output: string
  /** In pixels. */
  width: number
  height: number
  bytes: number
}

const MEMBERS = ['file', 'output', 'width', 'height', 'format', 'quality']
const FORMATS = ['avif', 'jpeg', 'png', 'webp']
const MOST_PIXELS = 16_384

/**
 * Makes a thumbnail of an image (given as its path, or with options) that fits the box, turned upright, never larger than the image
 * itself. The output has no more permissions than the file.
 */
export default async function thumbnail(input: string | ThumbnailInput): Promise<ThumbnailOutput> {
  const given: ThumbnailInput = withOptions(input, MEMBERS)
  const { file, width, height, format = 'webp', quality = 80 } = given
  const { output = `${file}.thumbnail.${format}` } = given
  checkText(file, 'file')
  checkText(output, 'output')
  if (width !== undefined) checkInteger(width, 'width', 1, MOST_PIXELS)
  if (height !== undefined) checkInteger(height, 'height', 1, MOST_PIXELS)
  checkInteger(quality, 'quality', 1, 100)
  if (!FORMATS.includes(format))
    throw new UnrecoverableError(`format must be one of ${FORMATS.join(', ')}, got ${show(format)}`)
  checkOutput(output, file)
  const sharp = await loadSharp()
  const { content, mode } = readWhole(file)
  const { data, info } = await sharp(content)
    .rotate()
    .resize({
      ...(width === undefined && height === undefined && { width: 256 }),
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      fit: 'inside',
      withoutEnlargement: true,
    })
    .toFormat(format, { quality })
    .toBuffer({ resolveWithObject: true })
  writeFile(output, data, mode)
  return { file, output, width: info.width, height: info.height, bytes: data.byteLength }
}

async function loadSharp() {
  const { default: sharp } = await import('sharp').catch((cause: unknown) => {
    throw new UnrecoverableError('thumbnails need the library sharp: npm install sharp', { cause })
  })
  // The pool's threads are the parallelism: each of them works on one image with one thread.
  sharp.concurrency(1)
  return sharp
}
