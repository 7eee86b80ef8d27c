/**
 * Imports a worker module in a thread, TypeScript too where Node strips types itself or tsx is in use.
 *
 * On older versions of Node tsx's hooks for ES modules hold in the main thread only, though threads inherit the flag that
 * loads tsx; there its own `tsImport` serves.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface Namespace {
  readonly [name: string]: unknown
}

/** The module's namespace. */
export async function importModule(url: string): Promise<Namespace> {
  try {
    return await import(url)
  } catch (error) {
    // It may have thrown anything.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const tsx = code === 'ERR_UNKNOWN_FILE_EXTENSION' ? findTsx() : undefined
    if (tsx === undefined) throw isTypeScript(url, code) ? new Error(NO_LOADER, { cause: error }) : error
    const { tsImport } = (await import(tsx)) as { tsImport(url: string, parent: string): Promise<Namespace> }
    return tsImport(url, import.meta.url)
  }
}

const NO_LOADER =
  'this version of Node does not run TypeScript by itself: start it with --import tsx, or use Node 22.18 or later'

function isTypeScript(url: string, code: unknown): boolean {
  return code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(url)
}

/** The URL of tsx's API, if the process was started with tsx. */
function findTsx(): string | undefined {
  const args = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/[\s"]+/)]
  const flag = args.find((arg) => /(^|[\\/=])tsx([\\/]|$)/.test(arg))?.replace(/^--\w+=/, '')
  if (flag === undefined) return undefined
  const isPath = flag.startsWith('file:') || /^([\\/]|\w:)/.test(flag)
  const from = !isPath
    ? join(process.cwd(), 'index.js')
    : flag.startsWith('file:')
      ? fileURLToPath(flag)
      : flag
  // The CommonJS build, which this finds, does not work here; the other lies beside it.
  return pathToFileURL(
    createRequire(from)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href
}
