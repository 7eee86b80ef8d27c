/** Valid samples, what is made of them, and what has been answered in a new way: that is where to go on. */
import type { Chance } from '../support/chance.js'
import type { Verdict } from './target.js'

/** Bytes that mean something to CBOR, to lengths, to text or to JSON. */
const TELLING = [0, 1, 0x0a, 0x0d, 0x22, 0x5c, 0x7b, 0x7f, 0x80, 0x9f, 0xc0, 0xd8, 0xd9, 0xf7, 0xfb, 0xff]
/** Most of the inputs are to come from valid samples: others are refused before they get far. */
const MOST_LEARNED = 60
const MOST_BYTES = 65_536

export class Corpus {
  readonly #samples: Uint8Array[]
  readonly #answers = new Set<string>()

  constructor(samples: Iterable<Uint8Array>) {
    this.#samples = [...samples]
  }

  /** One of them, as it is. */
  pick(chance: Chance): Uint8Array {
    return this.#samples[chance.below(this.#samples.length)] as Uint8Array
  }

  /** One of them, changed in one to four places. Now and then as it is. */
  mutated(chance: Chance): Buffer {
    let bytes: Buffer = Buffer.from(this.pick(chance))
    for (let changes = chance.below(5); changes > 0; changes--)
      bytes = changed(bytes, this.pick(chance), chance)
    return bytes.subarray(0, MOST_BYTES)
  }

  /** Keeps an input that was answered as none before. */
  learn(bytes: Uint8Array, verdict: Verdict): void {
    const answer = verdict === 'taken' ? verdict : verdict.refused.replace(/\d+/g, '0').slice(0, 60)
    if (this.#answers.has(answer) || this.#answers.size >= MOST_LEARNED) return
    this.#answers.add(answer)
    this.#samples.push(Uint8Array.from(bytes))
  }
}

function changed(bytes: Buffer, other: Uint8Array, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  const until = at + chance.below(Math.min(64, bytes.length - at) + 1)
  const before = bytes.subarray(0, at)
  switch (chance.below(8)) {
    case 0: // a bit
      return with1(bytes, at, (bytes[at] ?? 0) ^ (1 << chance.below(8)))
    case 1: // a byte
      return with1(bytes, at, TELLING[chance.below(TELLING.length)] ?? chance.below(256))
    case 2: // a number of 4 bytes
      return Buffer.concat([before, word(chance), bytes.subarray(at + 4)])
    case 3: // the end
      return Buffer.from(before)
    case 4: // a piece is gone
      return Buffer.concat([before, bytes.subarray(until)])
    case 5: // a piece is there many times
      return Buffer.concat([
        before,
        ...new Array(1 + chance.below(20)).fill(bytes.subarray(at, until)),
        bytes.subarray(at),
      ])
    case 6: // a byte more
      return Buffer.concat([before, Buffer.of(chance.below(256)), bytes.subarray(at)])
    default: // the rest of another one
      return Buffer.concat([before, other.subarray(chance.below(other.length + 1))])
  }
}

function with1(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  if (at < copy.length) copy[at] = value
  return copy
}

function word(chance: Chance): Buffer {
  const bytes = Buffer.alloc(4)
  const value = chance.is(0.5) ? chance.below(300) : 2 ** 32 - 1 - chance.below(300)
  bytes.writeUInt32BE(value)
  return bytes
}
