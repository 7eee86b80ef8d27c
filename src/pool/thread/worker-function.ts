/** Finds the function that a worker module exports, be it an ES module or a CommonJS one. */
import { toErrorData } from '../../errors/error-data.js'
import { WorkerModuleError } from '../../errors/errors.js'
import { shownUrl } from '../waybill/result.js'
import { importModule } from './import-module.js'
import type { ThreadJobContext } from './job-context.js'

export type JobFunction = (input: unknown, job: ThreadJobContext) => unknown

/** @throws {WorkerModuleError} the module cannot be loaded, or has no such function. */
export async function importFunction(url: string, exportName: string): Promise<JobFunction> {
  const namespace = await importModule(url).catch((cause: unknown) => {
    throw new WorkerModuleError(`loading ${shownUrl(url)} failed: ${toErrorData(cause).message}`, { cause })
  })
  const found = [namespace, namespace.default, propertyOf(namespace.default, 'default')]
    .flatMap((each: unknown) =>
      exportName === 'default' ? [each, propertyOf(each, 'default')] : [propertyOf(each, exportName)],
    )
    .find((each) => typeof each === 'function')
  if (!found)
    throw new WorkerModuleError(
      `${shownUrl(url)} has no function as its ${exportName === 'default' ? 'default export' : `export "${exportName}"`}, it has ${Object.keys(namespace).join(', ') || 'no exports'}`,
    )
  return found as JobFunction
}

/** A member of anything that has members; `undefined` if it has none. */
export function propertyOf(value: unknown, name: string): unknown {
  return value && (typeof value === 'object' || typeof value === 'function')
    ? (value as Record<string, unknown>)[name]
    : undefined
}
