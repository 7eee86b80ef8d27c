/** A worker module that posts what it likes, by the port of its thread: the port is found where the thread uses it. */
import { MessageChannel, MessagePort } from 'node:worker_threads'
import { type Chance, chanceOf } from '../support/chance.js'
import { Corpus } from './corpus.js'

type Message = Record<string, unknown>

const post = MessagePort.prototype.postMessage
const NAMES = [
  'waybill',
  'outcomes',
  'isLast',
  'index',
  'isLoading',
  'unloadable',
  'progress',
  'checkpoint',
  'log',
]
const MOST_MESSAGES = 20

let chance: Chance = chanceOf(0)
/** Messages with bytes, as the thread has sent them. */
const seen: Uint8Array[] = [Uint8Array.of(0xf6)]

MessagePort.prototype.postMessage = function (message: Message, transferred?: never): void {
  for (let left = chance.below(MOST_MESSAGES); left > 0; left--) {
    const [forged, ports] = forgedFrom(message)
    post.call(this, forged, ports)
  }
  post.call(this, message, transferred)
}

export async function attack(seed: number, job: { log(line: string): void; progress(value: unknown): void }) {
  chance = chanceOf(seed)
  job.progress({ seed })
  job.log('posting')
  if (chance.is(0.3)) await new Promise((resolve) => setImmediate(resolve))
  if (chance.is(0.1)) throw new RangeError('no')
  return seed
}

/** A message like another one, with members that are changed, missing, or another's. */
function forgedFrom(message: Message): [unknown, MessagePort[]] {
  const forged: Message = {}
  const ports: MessagePort[] = []
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof MessagePort || chance.is(0.1)) continue
    forged[name] = value instanceof Uint8Array ? bytesFrom(value) : chance.is(0.1) ? odd() : value
  }
  if (chance.is(0.3)) forged[NAMES[chance.below(NAMES.length)] ?? ''] = odd()
  if (chance.is(0.1)) {
    const { port1, port2 } = new MessageChannel()
    if (chance.is(0.5)) port1.close()
    else port1.unref()
    forged.reply = port2
    ports.push(port2)
  }
  if (chance.is(0.3)) forged.waybill = chance.below(200)
  return [chance.is(0.05) ? odd() : forged, ports]
}

function bytesFrom(bytes: Uint8Array): Uint8Array {
  if (seen.length < 100) seen.push(Uint8Array.from(bytes))
  const changed = Uint8Array.from(new Corpus([bytes, ...seen]).mutated(chance))
  if (chance.is(0.9)) return changed
  const shared = new Uint8Array(new SharedArrayBuffer(changed.byteLength))
  shared.set(changed)
  return shared
}

function odd(): unknown {
  const values = [
    undefined,
    null,
    -1,
    1.5,
    Number.NaN,
    2 ** 40,
    1n,
    'x',
    [],
    {},
    new Map(),
    new Date(0),
    true,
  ]
  return values[chance.below(values.length)]
}
