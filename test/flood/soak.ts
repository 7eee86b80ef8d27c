/** The floods in their long form, one after another, with figures. */
import type { SoakPart } from '../soak/part.js'
import { FLOODS } from './floods.js'
import { runFlood } from './run-flood.js'

/** How long all of them take at their full size, about, on two cores that do nothing else. */
const FULL_MS = 90_000
/** A flood that takes so much longer than its share is stuck. */
const PATIENCE_MS = 600_000
/** The event loop is not measured, on a machine that may be busy with other things; but such a delay shows that it is blocked. */
const BLOCKED_MS = 1000

/**
 * Rounds of all floods until the time is up, each with a seed of its own. Where the time is too short for one round of the full
 * size, it is a smaller one.
 */
export const floodSoak: SoakPart = async ({ seed, until }) => {
  const total = { rounds: 0, acknowledged: 0, refused: 0 }
  const share = Math.min(1, Math.round((100 * (until - Date.now())) / FULL_MS) / 100)
  do {
    for (const [name, flood] of Object.entries(FLOODS)) {
      if (total.rounds > 0 && Date.now() >= until) break
      const size = Math.max(flood.size.short, Math.ceil(flood.size.long * share))
      const report = await runFlood({ name, size, seed: seed + total.rounds, mostMs: PATIENCE_MS })
      const { acknowledged, refused, tookMs, peakMegabytes, delayP99Ms, delayMaxMs } = report
      console.log(
        `  ${name}: ${acknowledged} jobs${refused > 0 ? `, ${refused} refused,` : ''} in ${(tookMs / 1000).toFixed(1)} s, at most ${Math.round(peakMegabytes)} MB, event-loop delay p99 ${Math.round(delayP99Ms)} ms, max ${Math.round(delayMaxMs)} ms`,
      )
      if (delayP99Ms > BLOCKED_MS) throw new Error(`${name}: the event loop was blocked`)
      total.acknowledged += acknowledged
      total.refused += refused
    }
    total.rounds++
  } while (Date.now() < until)
  return total
}
