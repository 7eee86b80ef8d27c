/** The fuzzer in its long form: each target has its share of the time. */
import type { SoakPart } from '../soak/part.js'
import { fuzz, TARGET_NAMES } from './fuzz.js'

export const fuzzSoak: SoakPart = async ({ seed, until }) => {
  const total = { taken: 0, refused: 0 }
  const share = (until - Date.now()) / TARGET_NAMES.length
  for (const name of TARGET_NAMES) {
    const { taken, refused, slowestMs, grownMegabytes } = await fuzz(name, seed, Date.now() + share)
    console.log(
      `  ${name}: ${taken} taken, ${refused} refused, the slowest in ${slowestMs.toFixed(1)} ms, memory grown by at most ${grownMegabytes.toFixed(1)} MB`,
    )
    total.taken += taken
    total.refused += refused
  }
  return total
}
