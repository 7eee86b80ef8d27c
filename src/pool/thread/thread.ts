/**
 * What runs inside a worker thread: one waybill at a time, one job after another.
 *
 * Outcomes leave the thread after a turn of its event loop, so that an error thrown out of band (an unhandled rejection, say)
 * ends the thread before the job that caused it has been reported as completed.
 */
import { parentPort, threadId } from 'node:worker_threads'
import { decode, encode } from '../../codec/codec.js'
import { toErrorData } from '../../errors/error-data.js'
import type { WorkerModule } from '../../tasks/worker-module.js'
import {
  DONE,
  LISTENING,
  monotonicMs,
  OutcomeBuffer,
  type Packed,
  SharedState,
  STARTED,
  type ThreadMessage,
  unpackJobs,
  WAITING,
  WAYBILL_MS,
  type WaybillMessage,
} from '../waybill.js'
import { endJob, type Say, ThreadJobContext } from './job-context.js'
import { sayWhatEndsThread } from './uncaught.js'
import { importFunction, type JobFunction, propertyOf } from './worker-function.js'

/** Outcomes do not stay here longer than this, unless a job runs that does not let go of the thread. Most go all at once. */
const HOLD_MS = WAYBILL_MS + 2

/** What is returned is copied; more than this is sent, which is not. */
const RETURNED_BYTES = 16_384

sayWhatEndsThread()

/** Runs a waybill. Returns the outcomes that were not sent before. */
export default async function run(message: WaybillMessage): Promise<Uint8Array> {
  const state = new SharedState(message.state)
  state.threadId = threadId
  const outcomes = new OutcomeBuffer()
  // What is returned goes another way than what is sent, and might overtake it: after one thing was sent, all is.
  let hasSent = false
  const say: Say = (said, transferred = []) => {
    hasSent = true
    parentPort?.postMessage({ waybill: message.number, ...said }, transferred)
  }
  const shift: Shift = { message, state, outcomes, say, known: knownFunctions(message), now: monotonicMs() }
  let sentAt = shift.now
  const sendOutcomes = () => {
    hasSent = true
    send({ waybill: message.number, outcomes: outcomes.take() })
    sentAt = monotonicMs()
  }
  let index = 0
  for (const job of unpackJobs(message.jobs, state.words.length)) {
    if (shift.now - sentAt > HOLD_MS && outcomes.count > 0) {
      await turn()
      sendOutcomes()
      shift.now = monotonicMs()
    }
    state.startedAt = shift.now
    if (state.move(index, WAITING, STARTED)) {
      // Only a promise is awaited: a synchronous job costs no turn of the microtask queue.
      const running = runJob(job, index, shift)
      if (running) {
        // It may wait for long: the outcomes of the jobs before it shall not.
        const timer = outcomes.count > 0 ? setTimeout(sendOutcomes, HOLD_MS) : undefined
        await running
        clearTimeout(timer)
      }
    }
    index++
  }
  await turn()
  if (!hasSent && outcomes.bytes <= RETURNED_BYTES) return outcomes.take()
  sendOutcomes()
  return outcomes.take()
}

/** What the jobs of a waybill share while they run. */
interface Shift {
  readonly message: WaybillMessage
  readonly state: SharedState
  readonly outcomes: OutcomeBuffer
  readonly say: Say
  /** The function of each kind, if it has been loaded. */
  readonly known: (JobFunction | undefined)[]
  /** When the last job ended: the next one starts then. Asking the clock again would cost as much as a small job. */
  now: number
}

function runJob(job: Packed, index: number, shift: Shift): Promise<void> | undefined {
  const { message, state, outcomes } = shift
  const kind = message.kinds[job.kind] as WaybillMessage['kinds'][number]
  const context = new ThreadJobContext(job, kind.task, index, state, shift.say)
  let startedAt = shift.now
  const end = (isError: boolean, bytes: Uint8Array): void => {
    endJob(context, isError)
    shift.now = monotonicMs()
    outcomes.push(index, isError, shift.now - startedAt, bytes)
    if (!state.move(index, STARTED, DONE)) state.move(index, LISTENING, DONE)
  }
  const fulfil = (output: unknown): void => {
    let bytes: Uint8Array
    try {
      bytes = encode(output, 'output', message.outputLimit)
    } catch (error) {
      return reject(error)
    }
    end(false, bytes)
  }
  const reject = (error: unknown): void => end(true, encodeError(error))
  const call = (fn: JobFunction): Promise<void> | undefined => {
    const output = fn(decode(job.input), context)
    if (isThenable(output)) return Promise.resolve(output).then(fulfil, reject)
    fulfil(output)
    return undefined
  }
  const load = async (): Promise<void> => {
    const fn = await loadFunction(kind)
    shift.known[job.kind] = fn
    // Loading it is no part of the run.
    startedAt = monotonicMs()
    await call(fn)
  }
  try {
    const known = shift.known[job.kind]
    return known ? call(known) : load().catch(reject)
  } catch (error) {
    reject(error)
    return undefined
  }
}

const functions = new Map<string, JobFunction>()

async function loadFunction(module: WorkerModule): Promise<JobFunction> {
  const found = await importFunction(module.url, module.exportName)
  functions.set(functionKey(module), found)
  return found
}

function knownFunctions({ kinds }: WaybillMessage): (JobFunction | undefined)[] {
  return kinds.map((kind) => functions.get(functionKey(kind)))
}

function functionKey({ url, exportName }: WorkerModule): string {
  return `${exportName} ${url}`
}

function encodeError(error: unknown): Uint8Array {
  return encode(toErrorData(error), 'error')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof propertyOf(value, 'then') === 'function'
}

function send(message: ThreadMessage & { outcomes: Uint8Array<ArrayBuffer> }): void {
  parentPort?.postMessage(message, [message.outcomes.buffer])
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
