/** The errors that say how a thread has ended. */
import { type ErrorData, toError, toErrorData } from '../../errors/error-data.js'
import { WorkerModuleError } from '../../errors/errors.js'
import { shownUrl } from '../waybill/result.js'

/** `setup` is the URL of the setup that was not through yet, if there is one. */
export function threadDied(error: unknown, setup: string | undefined): ErrorData {
  const data = toErrorData(error)
  const cause =
    setup === undefined ? data : { ...data, message: `${data.message}, in its setup ${shownUrl(setup)}` }
  return {
    name: 'ThreadDiedError',
    code: 'MILLRACE_THREAD_DIED',
    message: `the thread ended while this job was running: ${cause.message}`,
    cause,
  }
}

/** What is told when the end that a setup gave has failed. */
export function endFailed(error: ErrorData): WorkerModuleError {
  return new WorkerModuleError(
    `what the setup gave for the end of its thread failed: ${error.message}. The thread has ended all the same; mend the setup`,
    { cause: toError(error) },
  )
}

/** What a setup gave for the end of its thread is not through after so many ms. */
export function endTookTooLong(ms: number): ErrorData {
  return { name: 'TimeoutError', message: `it took longer than ${ms} ms (abortGrace)` }
}
