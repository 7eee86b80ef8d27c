/**
 * Runs the application's `setup` module in a thread: once, before its first job. What it returns wraps each run, and is called at
 * the thread's end.
 */
import { toErrorData } from '../../errors/error-data.js'
import { WorkerModuleError } from '../../errors/errors.js'
import { show } from '../../errors/option-checks.js'
import type { WorkerModule } from '../../tasks/worker-module.js'
import type { ThreadHooks } from '../../worker.js'
import { shownUrl } from '../waybill/result.js'
import { importFunction, type JobFunction, propertyOf } from './worker-function.js'

let hooks: Promise<ThreadHooks> = Promise.resolve({})

/** Begins the setup. @throws {WorkerModuleError} it cannot be loaded, throws, or returns something else. */
export function beginSetup(module: WorkerModule): Promise<void> {
  hooks = setUp(module)
  return hooks.then(() => {})
}

/** A job's function with what the setup wraps around it. Fulfilled when the setup is through; throws as it does. */
export async function wrapFunction(fn: JobFunction): Promise<JobFunction> {
  const found = await hooks
  if (!found.wrap) return fn
  return (input, job) => found.wrap?.(() => fn(input, job), job)
}

/** Calls what the setup gave for the thread's end, and awaits it. Throws what that throws. */
export async function endThread(): Promise<void> {
  // A setup that failed has nothing to end.
  const found = await hooks.catch((): ThreadHooks => ({}))
  await found.end?.()
}

async function setUp({ url, exportName }: WorkerModule): Promise<ThreadHooks> {
  const setup = (await importFunction(url, exportName)) as () => unknown
  let returned: unknown
  try {
    returned = await setup()
  } catch (cause) {
    throw new WorkerModuleError(`the setup ${shownUrl(url)} failed: ${toErrorData(cause).message}`, { cause })
  }
  if (returned === undefined || returned === null) return {}
  if (typeof returned === 'function') return { end: () => returned() }
  if (areHooks(returned)) return returned
  throw new WorkerModuleError(
    `the setup ${shownUrl(url)} returned ${show(returned)}: it must return nothing, a function that is called when the thread ends, or { wrap, end } with functions`,
  )
}

function areHooks(value: unknown): value is ThreadHooks {
  const isHook = (name: string) => ['undefined', 'function'].includes(typeof propertyOf(value, name))
  return typeof value === 'object' && isHook('wrap') && isHook('end')
}
