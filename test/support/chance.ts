/** Chance that can be repeated: the same seed gives the same numbers. */
export interface Chance {
  /** An integer from 0 up to, but not including, `limit`. */
  below(limit: number): number
  /** True in `share` of the cases. */
  is(share: number): boolean
}

/** Mulberry32, a generator of 32 bits of state. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { below: (limit) => Math.floor(next() * limit), is: (share) => next() < share }
}
