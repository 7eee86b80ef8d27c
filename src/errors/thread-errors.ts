/** The errors about threads. They are told by the queue's `error` event and end no job. */
import { toErrorData } from './error-data.js'
import { MillraceError } from './errors.js'

/**
 * `MILLRACE_THREAD_START`: no thread could be started. No job is charged: jobs run on the threads that there are, and starting one
 * is tried again.
 */
export class ThreadStartError extends MillraceError {
  constructor(cause: unknown) {
    const { message, code } = toErrorData(cause)
    const why = code !== undefined && !message.includes(String(code)) ? `${code}: ${message}` : message
    super(
      'MILLRACE_THREAD_START',
      `no thread could be started (${why}): ${cureOf(`${code} ${message}`)}. Starting one is tried again, no job is charged`,
      { cause },
    )
  }
}

/** What the system says when it gives no thread, and what helps. */
const CURES: readonly [why: RegExp, cure: string][] = [
  [/ERR_ACCESS_DENIED/, 'start Node.js with --allow-worker'],
  [
    /EAGAIN|ENOMEM|ERR_WORKER_INIT_FAILED/,
    'lower maxWorkers or resourceLimits, or raise the limit of processes (`ulimit -u`, the pids limit of a container)',
  ],
  [/ERR_WORKER_OUT_OF_MEMORY/, "raise the task's resourceLimits"],
  [
    /MODULE_NOT_FOUND|ENOENT|Cannot find/,
    'if the application is bundled, leave millrace and piscina out of the bundle',
  ],
]

function cureOf(why: string): string {
  const known = CURES.find(([pattern]) => pattern.test(why))?.[1]
  return known ?? 'find out what ends threads while they start, such as a module that is preloaded'
}

/**
 * `MILLRACE_THREAD_LOST`: a thread runs code that cannot be interrupted, and was left behind. Its job is settled and the queue goes
 * on, but the process cannot end before that code does.
 */
export class ThreadLostError extends MillraceError {
  constructor(jobs: readonly string[]) {
    const what = jobs.length > 0 ? `, it runs ${jobs.join(', ')}` : ''
    super(
      'MILLRACE_THREAD_LOST',
      `a thread could not be ended and was left behind${what}: use asynchronous calls in place of ones such as execSync, or give those a timeout of their own`,
    )
  }
}

/**
 * `MILLRACE_THREAD_UNCAUGHT`: something that a job left behind threw while its thread ran no job. The thread has ended. No job is
 * charged.
 */
export class ThreadUncaughtError extends MillraceError {
  constructor(cause: unknown) {
    super(
      'MILLRACE_THREAD_UNCAUGHT',
      `a thread that ran no job threw out of band and has ended (${toErrorData(cause).message}): catch errors of timers, streams and promises in the worker module, or end these before the job does`,
      { cause },
    )
  }
}
