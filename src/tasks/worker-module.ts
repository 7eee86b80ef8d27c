/** Worker modules: how an application names them, and how the name is checked and made a URL. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { OptionError, WorkerModuleError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'
import type { TaskOptions } from './task-options.js'

/** A module's file: a `file:` or `data:` URL, or a path (a relative one is resolved against the working directory). */
export type ModuleLocation = string | URL

/** A worker module, and which of its exports to run (default: its default export). */
export interface ModuleExport {
  module: ModuleLocation
  export?: string
}

/** Where a job's function is, and how it is run. */
export interface WorkerModule {
  readonly url: string
  readonly exportName: string
  /** Whether what its jobs print goes into their logs. */
  readonly capturesConsole: boolean
}

/** What a worker factory is told about a job. */
export interface JobInfo<Names extends string = string> {
  readonly id: string
  readonly task: Names
  readonly priority: number
  /** Which attempt this is, counted from 1. */
  readonly attempt: number
  readonly meta: unknown
}

/** Says which module runs a job. Called in the main thread each time a job is handed to a thread; must not be async. */
export type WorkerFactory<Names extends string = string> = (
  job: JobInfo<Names>,
) => ModuleLocation | ModuleExport

export type WorkerMap<Names extends string = string> = Record<
  Names,
  ModuleLocation | (ModuleExport & TaskOptions)
>

/**
 * The module that was given, checked in form. `name` says where it was given.
 *
 * @throws {WorkerModuleError} it is no module. @throws {OptionError} `export` is no name.
 */
export function resolveModule(given: unknown, name: string, capturesConsole = false): WorkerModule {
  const { module, export: exportName = 'default' } =
    typeof given === 'object' && given !== null && !(given instanceof URL)
      ? (given as Partial<ModuleExport>)
      : { module: given }
  if (typeof module === 'function')
    throw new WorkerModuleError(
      `${name} is a function: a function cannot travel to another thread, where nothing of what it closes over exists. ` +
        `Put it into a file of its own, \`export default\` it, and give that file: new URL('./worker.js', import.meta.url)`,
    )
  if (typeof exportName !== 'string')
    throw new OptionError(`${name}.export must be the name of an export, got ${show(exportName)}`)
  if (module instanceof URL || (typeof module === 'string' && /^(file|data):/.test(module))) {
    const { protocol, href } = new URL(module)
    if (protocol === 'file:' || protocol === 'data:') return { url: href, exportName, capturesConsole }
  } else if (typeof module === 'string' && module !== '') {
    return { url: pathToFileURL(resolve(module)).href, exportName, capturesConsole }
  }
  throw new WorkerModuleError(
    `${name} must be a worker module: a file's path, a file: URL, or { module, export }; got ${show(module)}`,
  )
}

/** @throws {WorkerModuleError} the module's file is missing, or is no file. */
export async function checkFile({ url }: WorkerModule, name: string): Promise<void> {
  if (!url.startsWith('file:')) return
  const path = fileURLToPath(url)
  const found = await stat(path).catch((cause: unknown) => {
    throw new WorkerModuleError(`${name}: there is no worker module at ${path}`, { cause })
  })
  if (!found.isFile()) throw new WorkerModuleError(`${name}: ${path} is not a file`)
}
