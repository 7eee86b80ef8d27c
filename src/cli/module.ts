/** Which worker module the command line names. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { UsageError } from './inputs.js'

export interface FoundModule {
  readonly url: URL
  /** The same from any working directory for what a package exports, and as seen from the working directory for a file. */
  readonly name: string
}

const LONGEST_TASK_BYTES = 256

/**
 * A file, or else what a package exports: millrace itself (`millrace/workers/brotli`), or one that is installed beside it.
 *
 * @throws {UsageError} there is neither.
 */
export async function findModule(given: string): Promise<FoundModule> {
  const path = resolve(given)
  if (await isFile(path))
    return { url: pathToFileURL(path), name: relative(process.cwd(), path).split(sep).join('/') }
  const url = exportedAs(given)
  if (url && (await isFile(fileURLToPath(url)))) return { url, name: given }
  throw new UsageError(
    `there is no worker module ${given}: give a file, or what a package exports, such as millrace/workers/brotli`,
  )
}

/** The task whose jobs are those of a module's export. */
export function taskOf(module: FoundModule, exportName: string): string {
  const task = exportName === 'default' ? module.name : `${module.name}#${exportName}`
  return Buffer.byteLength(task) <= LONGEST_TASK_BYTES
    ? task
    : createHash('sha256').update(task).digest('base64url')
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

function exportedAs(specifier: string): URL | undefined {
  if (/^[./\\]/.test(specifier)) return undefined
  try {
    const url = new URL(import.meta.resolve(specifier))
    return url.protocol === 'file:' ? url : undefined
  } catch {
    return undefined
  }
}
