/**
 * The digest of a file, read piece by piece, so that memory stays flat however large it is.
 *
 * ```ts
 * await queue.enqueue('digest', { file: 'backup.tar' })
 * ```
 */
import { createHash, getHashes } from 'node:crypto'
import { readSync } from 'node:fs'
import { type JobContext, UnrecoverableError } from '../src/worker.js'
import { checkText, show, withOptions } from './internal/check.js'
import { type OpenFile, withFile } from './internal/read-file.js'

export interface DigestInput {
  file: string
  /** One of `crypto.getHashes()`. Default `'sha256'`. */
  algorithm?: string
}

export interface DigestOutput {
  file: string
  algorithm: string
  /** In hexadecimal. */
  digest: string
  bytes: number
}

const CHUNK_BYTES = 1024 * 1024

const MEMBERS = ['file', 'algorithm']

/** Digests a file, given as its path or with options. Reports progress from 0 to 1, and heeds `job.signal`. */
export default function digest(input: string | DigestInput, job?: JobContext): DigestOutput {
  const { file, algorithm = 'sha256' }: DigestInput = withOptions(input, MEMBERS)
  checkText(file, 'file')
  if (!getHashes().includes(algorithm))
    throw new UnrecoverableError(`algorithm must be one of crypto.getHashes(), got ${show(algorithm)}`)
  return withFile(file, (open) => ({ file, algorithm, ...digestOf(open, algorithm, job) }))
}

function digestOf(
  { descriptor, bytes: size }: OpenFile,
  algorithm: string,
  job: JobContext | undefined,
): { digest: string; bytes: number } {
  const hash = createHash(algorithm)
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let bytes = 0
  for (;;) {
    const read = readSync(descriptor, chunk, 0, chunk.byteLength, null)
    if (read === 0) return { digest: hash.digest('hex'), bytes }
    hash.update(chunk.subarray(0, read))
    bytes += read
    job?.progress(size > 0 ? Math.min(1, bytes / size) : 1)
    // Read anew each time: so an abort is seen in synchronous code too.
    job?.signal.throwIfAborted()
  }
}
