/** Encoded values: inputs, outputs, meta and heads are stored and sent so. */
import fc from 'fast-check'
import { decode, encode } from '../../src/codec/codec.js'
import { anything } from '../codec/anything.js'
import type { Chance } from '../support/chance.js'
import { Corpus } from './corpus.js'
import { refusal, shown, type Target, type Verdict } from './target.js'

/** Encoded values of all kinds. */
export function encodedValues(seed: number): Uint8Array[] {
  const errors = [new TypeError('wrong', { cause: new Error('why') })]
  return [...fc.sample(anything, { seed, numRuns: 200 }), ...errors].flatMap((value) => {
    try {
      return [Uint8Array.from(encode(value, 'value'))]
    } catch {
      // It is too deep, for example.
      return []
    }
  })
}

const FRESH = Uint8Array.from(encode({ text: 'as before', list: [1, 2n, new Map([[1, new Date(0)]])] }, 'it'))

export class Values implements Target {
  readonly batch = 1000
  last = ''
  readonly #corpus: Corpus

  constructor(seed: number) {
    this.#corpus = new Corpus(encodedValues(seed))
  }

  try(chance: Chance): Verdict {
    const bytes = this.#corpus.mutated(chance)
    this.last = shown(bytes)
    const verdict = verdictOf(bytes)
    this.#corpus.learn(bytes, verdict)
    // A decoder that is spoilt by what it refuses decodes other values wrongly.
    if (!Buffer.from(encode(decode(FRESH), 'it')).equals(FRESH)) throw new Error('the decoder is spoilt')
    return verdict
  }

  async close(): Promise<void> {}
}

function verdictOf(bytes: Uint8Array): Verdict {
  try {
    // What was decoded can be sent on, or is refused like any other value.
    encode(decode(bytes), 'value')
    return 'taken'
  } catch (error) {
    return refusal(error)
  }
}
