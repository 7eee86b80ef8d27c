/** What the rounds of a question come to, row by row. */
import type { Measured, Missing, Question, Row, Target } from './question.js'

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

/** The answers, row by row. Those of a quick run are not held against their targets: they mean too little. */
export function answersTo(question: Question, measurements: Measurements, isQuick = false): Answer[] {
  const measuredOf = ({ name }: Row) =>
    (measurements.get(name) ?? []).flatMap((each) => (isMissing(each) ? [] : [each]))
  const figures = new Map(
    question.rows.map((row) => [row.name, measuredOf(row).map((each) => figureOf(row, each))]),
  )
  return question.rows.flatMap((row): Answer[] => {
    const own = figures.get(row.name) ?? []
    if (own.length === 0) return []
    const base = row.against === undefined ? undefined : figures.get(row.against)
    const ratio = base?.length
      ? medianOf(own.map((figure, round) => figure / (base[round] ?? Number.NaN)))
      : undefined
    const median = medianOf(own)
    const samples = measuredOf(row).flatMap((each) => (typeof each === 'number' ? [] : each))
    return [
      {
        row: row.name,
        median,
        min: Math.min(...own),
        max: Math.max(...own),
        rounds: own.length,
        ...(row.against !== undefined && ratio !== undefined && { against: row.against, ratio }),
        ...(row.target && { target: row.target }),
        ...(row.target && !isQuick && { isMet: meets(row.target, ratio ?? median) }),
        ...(row.isSteady && { isSteady: true }),
        ...(samples.length > 0 && { quantiles: quantilesOf(samples) }),
      },
    ]
  })
}

function figureOf({ quantile = 0.5 }: Row, measured: Measured): number {
  return typeof measured === 'number' ? measured : quantileIn(sorted(measured), quantile)
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
