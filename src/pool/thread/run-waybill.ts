/**
 * Runs a waybill in its thread: one job after another.
 *
 * Outcomes leave the thread after a turn of its event loop, so that an error thrown out of band (an unhandled rejection, say)
 * ends the thread before the job that caused it has been reported as completed.
 */
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { type MessagePort, threadId } from 'node:worker_threads'
import { decode, encode } from '../../codec/codec.js'
import { toErrorData } from '../../errors/error-data.js'
import type { ThreadMessage } from '../thread-messages.js'
import { OutcomeBuffer } from '../waybill/outcome-buffer.js'
import {
  DONE,
  LISTENING,
  monotonicMs,
  type Packed,
  SharedState,
  STARTED,
  unpackJobs,
  WAITING,
  WAYBILL_MS,
  type WaybillMessage,
} from '../waybill/waybill.js'
import { CapturedOutput } from './captured-output.js'
import { endJob, type Say, ThreadJobContext } from './job-context.js'
import { knownFunction, loadFunction } from './load-function.js'
import { type JobFunction, propertyOf } from './worker-function.js'

/** Outcomes do not stay here longer than this, unless a job blocks the thread. Most are sent all at once. */
const HOLD_MS = WAYBILL_MS + 2

/** Less than this is copied; more is transferred. */
const COPIED_BYTES = 16_384

/** A worker module may replace what is global, to have fake timers for example. */
const NativePromise = Promise

/** What the jobs of a waybill share while they run. */
interface Run {
  readonly message: WaybillMessage
  readonly port: MessagePort
  readonly say: Say
  readonly state: SharedState
  readonly outcomes: OutcomeBuffer
  /** The function of each kind, if it has been loaded. */
  readonly known: (JobFunction | undefined)[]
  /** When the last job ended: the next one starts then. Asking the clock again would cost as much as a small job. */
  now: number
}

/** Runs all jobs that are not taken back, and sends what became of them. */
export async function runWaybill(message: WaybillMessage, port: MessagePort): Promise<void> {
  const state = new SharedState(message.state)
  state.threadId = threadId
  const outcomes = new OutcomeBuffer()
  const known = message.kinds.map(knownFunction)
  const say: Say = (said, transferred = []) =>
    port.postMessage({ waybill: message.number, ...said }, transferred)
  const run: Run = { message, port, say, state, outcomes, known, now: monotonicMs() }
  let sentAt = run.now
  const sendOutcomes = (isLast: boolean) => {
    send(run, { outcomes: outcomes.take(), isLast })
    sentAt = monotonicMs()
  }
  let index = 0
  for (const job of unpackJobs(message.jobs, state.words.length)) {
    if (run.now - sentAt > HOLD_MS && outcomes.count > 0) {
      await turn()
      sendOutcomes(false)
      run.now = monotonicMs()
    }
    // Only a promise is awaited: a synchronous job costs no turn of the microtask queue.
    const running = state.stateOf(index) === WAITING ? runJob(job, index, run) : undefined
    if (running) {
      // It may wait for long: the outcomes of the jobs before it shall not.
      const timer = outcomes.count > 0 ? setTimeout(sendOutcomes, HOLD_MS, false) : undefined
      await running
      clearTimeout(timer)
    }
    index++
  }
  await turn()
  sendOutcomes(true)
}

function runJob(job: Packed, index: number, run: Run): Promise<void> | undefined {
  const { message, state, outcomes } = run
  const kind = message.kinds[job.kind] as WaybillMessage['kinds'][number]
  const start = (fn: JobFunction): Promise<void> | undefined => {
    const startedAt = run.now
    state.startedAt = startedAt
    if (!state.move(index, WAITING, STARTED)) return undefined
    const context = new ThreadJobContext(job, kind.task, index, state, run.say, message.outputLimit)
    const captured = kind.capturesConsole ? new CapturedOutput(context.log) : undefined
    const end = (isError: boolean, bytes: Uint8Array): void => {
      captured?.end()
      endJob(context, isError)
      run.now = monotonicMs()
      outcomes.push(index, isError, run.now - startedAt, bytes)
      if (!state.move(index, STARTED, DONE)) state.move(index, LISTENING, DONE)
    }
    const reject = (error: unknown): void => end(true, encodeError(error))
    const fulfil = (output: unknown): void => {
      let bytes: Uint8Array
      try {
        bytes = encode(output, 'output', message.outputLimit)
      } catch (error) {
        return reject(error)
      }
      end(false, bytes)
    }
    try {
      const input = decode(job.input)
      const output = captured ? captured.during(() => fn(input, context)) : fn(input, context)
      if (isThenable(output)) return NativePromise.resolve(output).then(fulfil, reject)
      fulfil(output)
    } catch (error) {
      reject(error)
    }
    return undefined
  }
  const known = run.known[job.kind]
  return known ? start(known) : load(kind, index, job.kind, run).then((fn) => fn && start(fn))
}

/** Loading a module is no part of a job's run. */
async function load(
  kind: WaybillMessage['kinds'][number],
  index: number,
  kindIndex: number,
  run: Run,
): Promise<JobFunction | undefined> {
  send(run, { index, isLoading: true })
  try {
    const fn = await loadFunction(kind)
    run.known[kindIndex] = fn
    send(run, { index, isLoading: false })
    return fn
  } catch (error) {
    send(run, { index, unloadable: Uint8Array.from(encodeError(error)) })
    return undefined
  } finally {
    run.now = monotonicMs()
  }
}

function encodeError(error: unknown): Uint8Array {
  return encode(toErrorData(error), 'error')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof propertyOf(value, 'then') === 'function'
}

type Sent<Message> = Message extends unknown ? Omit<Message, 'waybill'> : never

function send({ message, port }: Run, sent: Sent<ThreadMessage>): void {
  const { number: waybill } = message
  if ('outcomes' in sent && sent.outcomes.byteLength > COPIED_BYTES)
    port.postMessage({ waybill, ...sent }, [sent.outcomes.buffer as ArrayBuffer])
  else port.postMessage({ waybill, ...sent })
}

function turn(): Promise<void> {
  return new NativePromise((resolve) => {
    setImmediate(resolve)
  })
}
