/**
 * Bounded, seeded runs of what is too long for the suite: `npm run soak -- [--minutes 10] [--seed N] [part…]`. Prints what
 * was done, and exits with 1 on any loss.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { torture } from '../crash/torture.js'
import { floodSoak } from '../flood/soak.js'
import { fuzzSoak } from '../fuzz/soak.js'
import { modelSoak } from '../model/soak.js'
import { powerSoak } from '../power/soak.js'
import type { SoakPart } from './part.js'

const PARTS: Record<string, SoakPart> = {
  torture,
  model: modelSoak,
  power: powerSoak,
  floods: floodSoak,
  fuzz: fuzzSoak,
}

await main()

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
    allowPositionals: true,
  })
  const minutes = Number(values.minutes)
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  const names = positionals.length > 0 ? positionals : Object.keys(PARTS)
  const unknown = names.find((name) => !PARTS[name])
  if (unknown !== undefined || !(minutes > 0) || !Number.isInteger(seed)) {
    console.error(`usage: soak [--minutes 10] [--seed N] [${Object.keys(PARTS).join('] [')}]`)
    process.exit(1)
  }
  console.log(`seed ${seed}, ${minutes} minutes for ${names.join(', ')}`)
  for (const name of names) await runPart(name, seed, (minutes * 60_000) / names.length)
}

async function runPart(name: string, seed: number, ms: number): Promise<void> {
  const began = Date.now()
  try {
    const done = await PARTS[name]?.({ seed, until: began + ms })
    const seconds = Math.round((Date.now() - began) / 1000)
    const counts = Object.entries(done ?? {}).map(([what, count]) => `${what} ${count}`)
    console.log(`${name}: passed in ${seconds} s; ${counts.join(', ')}`)
  } catch (error) {
    console.error(`${name}: FAILED with seed ${seed}`, error)
    process.exitCode = 1
  }
}
