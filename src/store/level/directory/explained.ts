/** What an error of LevelDB's or of the file system means for a directory. */
import { CorruptError, StoreError } from '../../../errors/directory-errors.js'
import { DamagedError, MillraceError } from '../../../errors/errors.js'

/** Of an error while the directory is being opened. */
export function explainOpening(directory: string, error: unknown): Error {
  return explain(directory, error, () => new StoreError(`opening ${directory}`, error, false))
}

/** Of an error while the directory is open. */
export function explainReading(directory: string, error: unknown): Error {
  return explain(directory, error, () => new StoreError('reading the directory', error))
}

function explain(directory: string, error: unknown, otherwise: () => Error): Error {
  // A damaged single job reports its own error. One that comes here means that several jobs, or the counts, cannot be read.
  if (error instanceof DamagedError)
    return new CorruptError(directory, `jobs cannot be read, or their counts (${error.cause})`, {
      cause: error,
    })
  if (error instanceof MillraceError) return error
  const { code, message } = error as { code?: unknown; message?: string }
  if (code === 'LEVEL_CORRUPTION') return new CorruptError(directory, String(message), { cause: error })
  return otherwise()
}
