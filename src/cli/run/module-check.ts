/** Runs in a thread: loads a worker module, and says what keeps it from being run. */
import { parentPort, workerData } from 'node:worker_threads'
import { toErrorData } from '../../errors/error-data.js'
import { importFunction } from '../../pool/thread/worker-function.js'

export interface ModuleCheck {
  readonly url: string
  readonly exportName: string
}

/** Without a `why` the module can be run. */
export interface ModuleFault {
  readonly why?: string
}

parentPort?.postMessage(await faultOf(workerData as ModuleCheck))

async function faultOf({ url, exportName }: ModuleCheck): Promise<ModuleFault> {
  try {
    await importFunction(url, exportName)
    return {}
  } catch (error) {
    return { why: toErrorData(error).message }
  }
}
