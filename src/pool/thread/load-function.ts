/** The functions that a thread has loaded from worker modules. */
import type { WorkerModule } from '../../tasks/worker-module.js'
import { wrapFunction } from './thread-setup.js'
import { importFunction, type JobFunction } from './worker-function.js'

const functions = new Map<string, JobFunction>()

/** The function, if it has been loaded. */
export function knownFunction(module: WorkerModule): JobFunction | undefined {
  return functions.get(functionKey(module))
}

/** Awaits the thread's setup first. @throws {WorkerModuleError} that failed, the module cannot be loaded, or has no such function. */
export async function loadFunction(module: WorkerModule): Promise<JobFunction> {
  const found = await wrapFunction(await importFunction(module.url, module.exportName))
  functions.set(functionKey(module), found)
  return found
}

function functionKey({ url, exportName }: WorkerModule): string {
  return `${exportName} ${url}`
}
