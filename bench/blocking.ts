/**
 * `npm run bench:blocking`: for how long the event loop stands for a megabyte of a value, by what the value is made of. Enqueueing encodes
 * an input and writes its record. Reading a stored job checks its record, and its input or output is decoded when it is looked at.
 * The shortest of many runs, so that other work on the machine counts little.
 */
import { decode, encode } from '../src/codec/codec.js'
import { encodeRecord, isIntact } from '../src/store/level/format/record.js'

const MB = 1_000_000
const RUNS = 15
const PLACE = { lane: 0, priority: 0, seq: 1 }

const SHAPES: Readonly<Record<string, () => unknown>> = {
  'a Buffer': () => Buffer.alloc(MB, 7),
  'text of ASCII': () => 'x'.repeat(MB),
  'other text': () => 'ü'.repeat(MB / 2),
  numbers: () => Array.from({ length: MB / 9 }, (_, index) => index + 0.5),
  'small objects': () =>
    Array.from({ length: MB / 25 }, (_, id) => ({ id, name: `user ${id % 100}`, isActive: true })),
  'small Maps': () => Array.from({ length: MB / 10 }, (_, index) => new Map([[index, 'value']])),
  'empty arrays': () => Array.from({ length: MB }, () => []),
}

console.log(
  '| a megabyte of | encode | write its record | check its record | decode |\n|---|---|---|---|---|',
)
for (const [name, make] of Object.entries(SHAPES)) {
  const value = make()
  const bytes = Buffer.from(encode(value, 'input'))
  const record = encodeRecord(PLACE, 0, undefined, bytes)
  const times = [
    shortest(() => encode(value, 'input')),
    shortest(() => encodeRecord(PLACE, 0, undefined, bytes)),
    shortest(() => isIntact(PLACE, record)),
    shortest(() => decode(bytes)),
  ].map((ms) => shown(ms / (bytes.length / MB)))
  console.log(`| ${name} | ${times.join(' | ')} |`)
}

function shortest(run: () => unknown): number {
  let ms = Number.POSITIVE_INFINITY
  for (let count = 0; count < RUNS; count++) {
    const startedAt = performance.now()
    run()
    ms = Math.min(ms, performance.now() - startedAt)
  }
  return ms
}

function shown(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
