/** What the rounds of a question come to, line by line. */
import type { Better, Line, Measured, Missing, Question, Target } from './question.js'

/** All that was measured, or could not be, round by round, by row. */
export type Measurements = ReadonlyMap<string, readonly (Measured | Missing)[]>

/** A row without an answer, and how to install what it lacks. */
export interface Absence extends Missing {
  readonly row: string
}

export interface Answer {
  readonly row: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
  /** In place of the question's. */
  readonly better?: Better
  readonly against?: string
  /** The median of the ratios of each round to the row that it is compared with. */
  readonly ratio?: number
  readonly target?: Target
  readonly isMet?: boolean
  readonly isSteady?: boolean
  /** Of samples: the figure below which each of `SHARES` lies, all rounds taken together. */
  readonly quantiles?: readonly number[]
}

/** Evenly spaced where each nine takes as much room as the one before: 0, 20.6 %, … 90 %, … 99 %, … 99.9 %. */
export const SHARES: readonly number[] = Array.from({ length: 31 }, (_, index) => 1 - 10 ** (-index / 10))

/** The rows that lacked something, in every round. */
export function absencesIn(measurements: Measurements): Absence[] {
  return [...measurements].flatMap(([row, each]) =>
    each
      .filter(isMissing)
      .slice(0, 1)
      .map(({ missing }) => ({ row, missing })),
  )
}

function isMissing(each: Measured | Missing): each is Missing {
  return typeof each === 'object' && 'missing' in each
}

/** The answers, line by line. Those of a quick run are not held against their targets: they mean too little. */
export function answersTo(question: Question, measurements: Measurements, isQuick = false): Answer[] {
  const lines = question.rows.flatMap((row): { line: Line; measured: Measured[] }[] => {
    const measured = (measurements.get(row.name) ?? []).flatMap((each) => (isMissing(each) ? [] : [each]))
    return [row, ...(row.also ?? [])].map((line) => ({ line, measured }))
  })
  const figures = new Map(
    lines.map(({ line, measured }) => [line.name, measured.map((each) => figureOf(line, each))]),
  )
  return lines.flatMap(({ line, measured }): Answer[] => {
    const own = figures.get(line.name) ?? []
    if (own.length === 0) return []
    const base = line.against === undefined ? undefined : figures.get(line.against)
    const ratio = base?.length
      ? medianOf(own.map((figure, round) => figure / (base[round] ?? Number.NaN)))
      : undefined
    const median = medianOf(own)
    // A target of a ratio says nothing of the figure.
    const reached = line.against === undefined ? median : ratio
    const samples = measured.flatMap((each) => (typeof each === 'number' || 'figures' in each ? [] : each))
    return [
      {
        row: line.name,
        median,
        min: Math.min(...own),
        max: Math.max(...own),
        rounds: own.length,
        ...(line.better && { better: line.better }),
        ...(line.against !== undefined && ratio !== undefined && { against: line.against, ratio }),
        ...(line.target && { target: line.target }),
        ...(line.target && reached !== undefined && !isQuick && { isMet: meets(line.target, reached) }),
        ...(line.isSteady && { isSteady: true }),
        ...(samples.length > 0 && { quantiles: quantilesOf(samples) }),
      },
    ]
  })
}

function figureOf({ figure, quantile = 0.5 }: Line, measured: Measured): number {
  if (typeof measured === 'number') return measured
  if (!('figures' in measured)) return quantileIn(sorted(measured), quantile)
  const named = figure === undefined ? Object.values(measured.figures)[0] : measured.figures[figure]
  return named ?? Number.NaN
}

function meets(target: Target, reached: number): boolean {
  return 'atLeast' in target ? reached >= target.atLeast : reached <= target.atMost
}

function quantilesOf(samples: readonly number[]): number[] {
  const inOrder = sorted(samples)
  return SHARES.map((share) => quantileIn(inOrder, share))
}

/** The figure below which a share of all lie. */
function quantileIn(inOrder: readonly number[], share: number): number {
  return inOrder[Math.min(inOrder.length - 1, Math.floor(share * inOrder.length))] ?? Number.NaN
}

function medianOf(figures: readonly number[]): number {
  const inOrder = sorted(figures)
  const middle = inOrder.length >> 1
  const upper = inOrder[middle] ?? Number.NaN
  return inOrder.length % 2 === 1 ? upper : ((inOrder[middle - 1] ?? Number.NaN) + upper) / 2
}

function sorted(figures: readonly number[]): number[] {
  return [...figures].sort((one, other) => one - other)
}
