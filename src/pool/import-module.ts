/**
 * Imports a worker module in a thread, TypeScript too where Node strips types itself or tsx is in use.
 *
 * On older versions of Node tsx's hooks for ES modules hold in the main thread only, though threads inherit the flag that
 * loads tsx; there they are registered when first needed.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The module's namespace. */
export async function importModule(url: string): Promise<{ readonly [name: string]: unknown }> {
  try {
    return await import(url)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' || !(await registerTsx())) throw error
    return import(url)
  }
}

/** `false`: the process was not started with tsx. */
async function registerTsx(): Promise<boolean> {
  const tsx = process.execArgv.find((arg) => /(^|[\\/=])tsx([\\/]|$)/.test(arg))?.replace(/^--\w+=/, '')
  if (tsx === undefined) return false
  const isPath = tsx.startsWith('file:') || /^([\\/]|\w:)/.test(tsx)
  const from = !isPath ? join(process.cwd(), 'index.js') : tsx.startsWith('file:') ? fileURLToPath(tsx) : tsx
  // The CommonJS build, which this finds, cannot register; the other lies beside it.
  const api = createRequire(from).resolve('tsx/esm/api').replace(/\.cjs$/, '.mjs')
  const { register } = (await import(pathToFileURL(api).href)) as { register(): void }
  register()
  return true
}
