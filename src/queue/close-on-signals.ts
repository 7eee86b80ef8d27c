/**
 * Graceful shutdown for applications that have no signal handling of their own.
 *
 * ```
 *  waiting ──first signal──▶ ending ──all queues are closed──▶ the process ends
 *                              └──────second signal──────────▲
 * ```
 *
 * One handler serves all queues of the process. The first signal runs every `before`, closes all queues, runs every `after`, and then
 * ends the process by that signal. A second signal ends it at once.
 */
import { AsyncResource } from 'node:async_hooks'
import { constants } from 'node:os'
import { OptionError } from '../errors/errors.js'
import { checkOptions, show } from '../errors/option-checks.js'
import { LONGEST_TIMER_MS } from '../job/duration.js'
import { type CloseOptions, closeSettingsOf } from './options.js'

export interface CloseOnSignalsOptions extends CloseOptions {
  /** Default: SIGINT, SIGTERM and SIGHUP. */
  signals?: readonly NodeJS.Signals[]
  /**
   * Called, and awaited for up to `timeout`, before the queue closes: for what still enqueues jobs, such as a server that answers
   * its last requests.
   */
  before?: () => unknown
  /** Called, and awaited for up to `timeout`, when the queue is closed: for what its listeners use, such as a database. */
  after?: () => unknown
}

interface Closable {
  close(options?: CloseOptions): Promise<void>
}

interface Registration {
  readonly queue: Closable
  readonly signals: ReadonlySet<NodeJS.Signals>
  readonly before: () => unknown
  readonly after: () => unknown
  readonly closeOptions: CloseOptions
  readonly timeoutMs: number
}

const OPTIONS = ['timeout', 'drain', 'signals', 'before', 'after']
const DEFAULT_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const registrations = new Set<Registration>()
/** The signals that have a handler. */
const handled = new Set<NodeJS.Signals>()
let isEnding = false

/**
 * Closes the queue on the first SIGINT, SIGTERM or SIGHUP, then ends the process by that signal, so that its parent sees why. With
 * several queues it ends when all are closed. A second signal ends it at once: what was running then is restored by the next open,
 * uncharged. Returns how to undo this.
 *
 * @throws {OptionError} an option is unknown, of the wrong type, or out of range.
 */
export function closeOnSignals(queue: Closable, options: CloseOnSignalsOptions = {}): () => void {
  const registration = registrationOf(queue, options)
  registrations.add(registration)
  for (const signal of registration.signals)
    if (!handled.has(signal)) {
      handled.add(signal)
      process.on(signal, handle)
    }
  return () => {
    registrations.delete(registration)
    for (const signal of registration.signals)
      if (!isEnding && ![...registrations].some(({ signals }) => signals.has(signal))) release(signal)
  }
}

function registrationOf(queue: Closable, options: CloseOnSignalsOptions): Registration {
  if (typeof queue?.close !== 'function')
    throw new OptionError(`closeOnSignals() needs a queue, or what has a close(), got ${show(queue)}`)
  checkOptions('closeOnSignals', options, OPTIONS)
  const { signals = DEFAULT_SIGNALS, before = nothing, after = nothing, ...closeOptions } = options
  const { timeoutMs } = closeSettingsOf(closeOptions)
  if (!Array.isArray(signals) || signals.length === 0)
    throw new OptionError(`signals must be a list of at least one signal, got ${show(signals)}`)
  for (const signal of signals)
    if (!Object.hasOwn(constants.signals, signal) || signal === 'SIGKILL' || signal === 'SIGSTOP')
      throw new OptionError(`signals must name signals that can be handled, got ${show(signal)}`)
  for (const [name, hook] of Object.entries({ before, after }))
    if (typeof hook !== 'function') throw new OptionError(`${name} must be a function, got ${show(hook)}`)
  return {
    queue,
    signals: new Set(signals),
    // The handler runs in the context of the first call.
    before: AsyncResource.bind(before),
    after: AsyncResource.bind(after),
    closeOptions,
    timeoutMs,
  }
}

function nothing(): void {}

function handle(signal: NodeJS.Signals): void {
  if (isEnding) return endBy(signal)
  isEnding = true
  const ending = [...registrations].filter(({ signals }) => signals.has(signal))
  void Promise.all(ending.map(({ before, timeoutMs }) => run(before, timeoutMs)))
    .then(() => Promise.all(ending.map(({ queue, closeOptions }) => run(() => queue.close(closeOptions)))))
    .then(() => Promise.all(ending.map(({ after, timeoutMs }) => run(after, timeoutMs))))
    .then(() => endBy(signal))
}

/** Calls a function and awaits it, for a limited time. An error is shown and holds nothing up. */
async function run(call: () => unknown, timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const isOver = new Promise<void>((resolve) => {
    if (timeoutMs <= LONGEST_TIMER_MS) timer = setTimeout(resolve, timeoutMs)
  })
  try {
    await Promise.race([isOver, call()])
  } catch (error) {
    console.error(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Ends the process by the signal, as if it had no handler. */
function endBy(signal: NodeJS.Signals): void {
  for (const each of [...handled]) release(each)
  // Other handlers would take the signal, and the kernel does not end the first process of a container by one.
  if (process.listenerCount(signal) > 0 || process.pid === 1) process.exit(128 + constants.signals[signal])
  process.kill(process.pid, signal)
}

function release(signal: NodeJS.Signals): void {
  handled.delete(signal)
  process.off(signal, handle)
}
