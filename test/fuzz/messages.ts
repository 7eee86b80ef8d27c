/** What arrives from threads while a waybill is out. A worker module may post what it likes. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { decode, encode } from '../../src/codec/codec.js'
import { isErrorData, toErrorData } from '../../src/errors/error-data.js'
import { readMessage } from '../../src/pool/thread-messages.js'
import { DispatchedWaybill } from '../../src/pool/waybill/dispatched-waybill.js'
import { errorIn, OutcomeBuffer } from '../../src/pool/waybill/outcome-buffer.js'
import type { Result } from '../../src/pool/waybill/result.js'
import { DONE, STARTED, WAITING } from '../../src/pool/waybill/waybill.js'
import type { Chance } from '../support/chance.js'
import { Corpus } from './corpus.js'
import { refusal, shown, type Target, type Verdict } from './target.js'
import { encodedValues } from './values.js'

const JOBS = 5
type Job = { readonly timeoutMs: number }

export class Messages implements Target {
  readonly batch = 1000
  last = ''
  readonly #outcomes: Corpus
  readonly #values: Corpus
  readonly #reply: MessagePort = new MessageChannel().port1

  constructor(seed: number) {
    const values = encodedValues(seed)
    this.#values = new Corpus(values)
    this.#outcomes = new Corpus(values.map(outcomesWith))
  }

  try(chance: Chance): Verdict {
    const posted = this.#posted(chance)
    const message = readMessage(posted)
    if (!message) return { refused: 'no message' }
    const settled = new Map<Job, number>()
    const jobs = Array.from({ length: JOBS }, (): Job => ({ timeoutMs: 0 }))
    let verdict: Verdict = 'taken'
    const take = (results: Result<Job>[]) => {
      for (const result of results) {
        settled.set(result.job, (settled.get(result.job) ?? 0) + 1)
        const problem = problemOf(result)
        if (problem) verdict = problem
      }
    }
    const waybill = new DispatchedWaybill<Job>(
      1,
      jobs,
      { abortGrace: 0, loadTimeout: 0 },
      { results: take, started() {}, freed() {} },
    )
    waybill.lie({ kill() {}, noteLate() {} })
    waybill.begin()
    // Some have not started, one runs, the others have ended.
    const running = chance.below(JOBS)
    for (let index = 0; index <= running; index++)
      waybill.state.move(index, WAITING, index < running ? DONE : STARTED)
    if ('outcomes' in message) {
      waybill.receive(message.outcomes)
      waybill.receive(message.outcomes)
    } else if ('isLoading' in message) waybill.noteLoading(message.index, message.isLoading)
    else if ('unloadable' in message) waybill.noteUnloadable(message.index, errorIn(message.unloadable))
    else waybill.speaking(message.index)
    const error = toErrorData(new Error('gone'))
    waybill.judge({ error, isKilled: false, isUncaught: chance.is(0.5), hasRunOthers: chance.is(0.5) })
    for (const [index, job] of jobs.entries())
      if (settled.get(job) !== 1) throw new Error(`job ${index} has ${settled.get(job) ?? 0} results`)
    return verdict
  }

  async close(): Promise<void> {
    this.#reply.close()
  }

  /** A message of one of the kinds, with members that are changed, missing, or another's. */
  #posted(chance: Chance): unknown {
    const bytes = (chance.is(0.6) ? this.#outcomes : this.#values).mutated(chance)
    this.last = shown(bytes)
    const odd = () =>
      [undefined, null, -1, 1.5, Number.NaN, 2 ** 40, 'x', [], {}, decodeSome(bytes)][chance.below(10)]
    const or = (value: unknown) => (chance.is(0.1) ? odd() : value)
    const index = or(chance.below(JOBS + 1))
    switch (chance.below(12)) {
      case 0:
        return { waybill: or(1), index, progress: or(bytes) }
      case 1:
        return { waybill: or(1), index, checkpoint: or(bytes), reply: or(this.#reply) }
      case 2:
        return { waybill: or(1), index, log: or({ lines: or(['a', or('b')]), dropped: or(0) }) }
      case 3:
        return { waybill: or(1), index, isLoading: or(chance.is(0.5)) }
      case 4:
        return { waybill: or(1), index, unloadable: or(bytes) }
      case 5:
        return odd()
      default:
        return { waybill: or(1), outcomes: or(bytes), isLast: or(chance.is(0.5)) }
    }
  }
}

/** Outcomes of all jobs, in one buffer. */
function outcomesWith(bytes: Uint8Array): Uint8Array {
  const buffer = new OutcomeBuffer()
  const error = Uint8Array.from(encode(toErrorData(new RangeError('no')), 'error'))
  for (let index = 0; index < JOBS; index++)
    buffer.push(index, index % 2 === 1, 1.5, index % 2 === 1 ? error : bytes)
  return buffer.take()
}

/** A failure is an error whatever was sent. An output decodes, or is refused when it is read. */
function problemOf(result: Result<Job>): Verdict | undefined {
  if ('error' in result) {
    if (!isErrorData(result.error)) throw new Error('a failure is no error')
    return undefined
  }
  if (result.kind !== 'completed') return undefined
  if (!(result.ranMs >= 0)) throw new Error(`a job ran for ${result.ranMs} ms`)
  try {
    decode(result.output)
    return undefined
  } catch (error) {
    return refusal(error)
  }
}

function decodeSome(bytes: Uint8Array): unknown {
  try {
    return decode(bytes)
  } catch {
    return bytes
  }
}
