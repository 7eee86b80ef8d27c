/** Where values stand on an axis, as a share of its length, and which of them are marked. */

export interface Scale {
  /** 0 at the axis's start, 1 at its end. */
  at(value: number): number
  readonly ticks: readonly Tick[]
}

export interface Tick {
  readonly value: number
  readonly label: string
  /** A second line below the label. */
  readonly note?: string
}

/** From 0, with ticks at round steps, to the first of them that is no less than `most`. */
export function fromZero(most: number): Scale {
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10) * power
  const count = Math.ceil(most / step)
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step)
  return {
    at: (value) => value / (count * step),
    ticks: ticks.map((value) => ({ value, label: grouped(value) })),
  }
}

/** Logarithmic, from the power of ten below `least` to the one above `most`. */
export function logarithmic(least: number, most: number): Scale {
  const first = Math.floor(Math.log10(least))
  const last = Math.max(first + 1, Math.ceil(Math.log10(most)))
  const powers = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  return {
    at: (value) => (Math.log10(value) - first) / (last - first),
    ticks: powers.map((value) => ({ value, label: grouped(value) })),
  }
}

/** Logarithmic, with the values given as ticks, and some room before the first and behind the last. */
export function logarithmicBy(ticks: readonly Tick[]): Scale {
  const values = ticks.map(({ value }) => Math.log10(value))
  const first = Math.min(...values)
  const length = Math.max(...values) - first || 1
  return { at: (value) => 0.06 + (0.88 * (Math.log10(value) - first)) / length, ticks }
}

/** As many places side by side as there are labels: 0 is the middle of the first. */
export function places(labels: readonly Omit<Tick, 'value'>[]): Scale {
  return {
    at: (value) => (value + 0.5) / labels.length,
    ticks: labels.map((label, value) => ({ ...label, value })),
  }
}

/** Of shares: each nine takes as much room as the one before, up to the third. */
export function nines(): Scale {
  const shares = [0, 0.5, 0.9, 0.99, 0.999]
  return {
    at: (share) => -Math.log10(Math.max(1 - share, 1e-9)) / 3,
    ticks: shares.map((value) => ({ value, label: `${Number((100 * value).toFixed(1))} %` })),
  }
}

/** "12,345" */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 })
}
