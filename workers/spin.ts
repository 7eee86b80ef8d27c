/**
 * Burns a given time of a core, for measuring how jobs of a known length fare.
 *
 * It does a fixed amount of work, measured once in each thread, instead of watching the clock: a thread that has to share its core
 * then takes longer, as real work does.
 */
import { checkRange } from './internal/check.js'

export interface SpinOutput {
  rounds: number
  /** So that the loop cannot be optimised away. */
  checksum: number
}

const LONGEST_MS = 3_600_000
let roundsPerMs: number | undefined

/** Works for so many milliseconds (0.01 to 3,600,000) of a core that it has to itself. */
export default function spin(ms: number): SpinOutput {
  checkRange(ms, 'ms', 0.01, LONGEST_MS)
  roundsPerMs ??= calibrate()
  return spinRounds(Math.round(roundsPerMs * ms))
}

/** Does so many rounds of the same work: for comparing where even the calibration must be the same. */
export function spinRounds(rounds: number): SpinOutput {
  checkRange(rounds, 'rounds', 0, Number.MAX_SAFE_INTEGER)
  return { rounds, checksum: work(rounds) }
}

/** How many rounds take a millisecond: by the best of several short runs, for interruptions only ever make one slower. */
export function calibrate(): number {
  const rounds = 200_000
  work(rounds)
  let best = 0
  for (let run = 0; run < 10; run++) {
    const startedAt = performance.now()
    work(rounds)
    best = Math.max(best, rounds / (performance.now() - startedAt))
  }
  return best
}

function work(rounds: number): number {
  let value = 0x2545f491
  for (let round = 0; round < rounds; round++) {
    value ^= value << 13
    value ^= value >>> 17
    value ^= value << 5
  }
  return value
}
