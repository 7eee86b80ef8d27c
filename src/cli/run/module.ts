/** Which worker module the command line names. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { UsageError } from '../usage-error.js'
import type { ModuleCheck, ModuleFault } from './module-check.js'

export interface FoundModule {
  readonly url: URL
  /** The same from any working directory for what a package exports, and as seen from the working directory for a file. */
  readonly name: string
  /** Says whether two contents of its file differ. */
  readonly version: string
  /** When its file was changed, moved or put there, in ms since the epoch. */
  readonly changedAt: number
}

const LONGEST_TASK_BYTES = 256

/**
 * What a package exports: millrace itself (`millrace/workers/brotli`), or one that is installed beside it. Or a file, if the name
 * begins with `./`, `../` or is absolute. No file in the working directory can stand in for a package so.
 *
 * @throws {UsageError} there is no such module.
 */
export async function findModule(given: string): Promise<FoundModule> {
  if (!isPath(given)) {
    const url = exportedAs(given)
    if (url && (await isFile(fileURLToPath(url)))) return found(url, given)
    const hint = (await isFile(resolve(given))) ? `for the file write ./${given}` : 'a file is named with ./'
    throw new UsageError(
      `there is no worker module ${given} that a package exports, such as millrace/workers/brotli; ${hint}`,
    )
  }
  const path = resolve(given)
  if (!(await isFile(path))) throw new UsageError(`there is no worker module ${given}: no such file`)
  return found(pathToFileURL(path), relative(process.cwd(), path).split(sep).join('/'))
}

/** The task whose jobs are those of a module's export. */
export function taskOf(module: FoundModule, exportName: string): string {
  const task = exportName === 'default' ? module.name : `${module.name}#${exportName}`
  return Buffer.byteLength(task) <= LONGEST_TASK_BYTES
    ? task
    : createHash('sha256').update(task).digest('base64url')
}

/**
 * Loads the module in a thread of its own, as the pool does, to see whether there is anything to run.
 *
 * @throws {UsageError} it cannot be loaded, or has no such function.
 */
export async function checkExport({ url }: FoundModule, exportName: string): Promise<void> {
  const workerData: ModuleCheck = { url: url.href, exportName }
  // What it prints while it is loaded will be seen when the jobs' threads load it.
  const worker = new Worker(new URL('./module-check.js', import.meta.url), {
    workerData,
    stdout: true,
    stderr: true,
  })
  worker.stdout.resume()
  worker.stderr.resume()
  const exit = once(worker, 'exit').then(
    ([code]): ModuleFault => ({ why: `${url} ended its thread with exit code ${code} while it was loaded` }),
    (error: Error): ModuleFault => ({ why: `loading ${url} failed: ${error.message}` }),
  )
  const answer = once(worker, 'message').then(
    ([fault]) => fault as ModuleFault,
    () => exit,
  )
  const { why } = await Promise.race([answer, exit])
  await worker.terminate()
  if (why !== undefined) throw new UsageError(`the worker module cannot be run: ${why}`)
}

/** A name of a package has no other beginning: `file.mjs` is one, `./file.mjs` is none. */
function isPath(given: string): boolean {
  return /^\.{0,2}[/\\]/.test(given) || isAbsolute(given)
}

async function found(url: URL, name: string): Promise<FoundModule> {
  const path = fileURLToPath(url)
  const version = createHash('sha256').update(readFileSync(path)).digest('base64url')
  return { url, name, version: version.slice(0, 16), changedAt: (await stat(path)).ctimeMs }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

function exportedAs(specifier: string): URL | undefined {
  try {
    const url = new URL(import.meta.resolve(specifier))
    return url.protocol === 'file:' ? url : undefined
  } catch {
    return undefined
  }
}
