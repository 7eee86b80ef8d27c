/** Power cuts for as long as one likes. */
import type { SoakPart } from '../soak/part.js'
import { chanceOf } from '../support/chance.js'
import { moments, tryCuts, withRecording } from './cuts.js'
import { whyNot } from './recording.js'

/**
 * Records run after run, with choices from `seed` on, and cuts the power at many moments of each, until `until` (ms since the
 * epoch). Rejects on the first promise that is broken. Says how much was tried; 0 cuts where nothing can be recorded.
 */
export const powerSoak: SoakPart = async ({ seed, until }) => {
  const total = { runs: 0, cuts: 0, jobs: 0, lost: 0, outcomes: 0 }
  if ((await whyNot()) !== undefined) return total
  for (let run = seed; run === seed || Date.now() < until; run++) {
    const chance = chanceOf(run)
    const durability = chance.below(4) === 0 ? 'process' : 'disk'
    const large = [200, 20_000, 2 ** 19, 2 ** 21][chance.below(4)] ?? 200
    await withRecording({ durability, seed: run, rounds: 10 + chance.below(50), large }, async (recorded) => {
      for (let count = 0; count < 50 && (count === 0 || Date.now() < until); count++) {
        const tried = await tryCuts(recorded, moments(recorded.recording.events, 2, chance), chance, 2)
        total.cuts += tried.cuts
        total.jobs += tried.jobs
        total.lost += tried.lost
        total.outcomes += tried.outcomes
      }
    })
    total.runs++
  }
  return total
}
