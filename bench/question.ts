/** What a bench script states: a question, how it is answered, and what is compared. */

export interface Question {
  readonly title: string
  /** What is measured, and how. */
  readonly how: string
  /** Of each figure that is reported. */
  readonly unit: string
  /** Decimals shown. Default 0. */
  readonly digits?: number
  readonly rows: readonly Row[]
}

export interface Row {
  readonly name: string
  /** What the measurement needs in its directory; runs in a process of its own, before that. */
  prepare?(run: Run): Promise<void>
  /** Runs in a process of its own, on a temporary directory, which is removed after it. */
  measure(run: Run): Promise<number>
  /** The row whose figure of the same round it is compared with. */
  readonly against?: string
  /** What the ratio to that row, or without one the figure itself, should come to. */
  readonly target?: Target
  /** Only measured when asked for by `--full`: it takes minutes. */
  readonly isLong?: boolean
}

export type Target = { readonly atLeast: number } | { readonly atMost: number }

export interface Run {
  readonly directory: string
  /** A small run to see that the script works: its figures mean little. */
  readonly quick: boolean
}

/** All that a round has measured, by row. */
export type Figures = Map<string, number[]>

export interface Answer {
  readonly row: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** The median of the ratios of each round. */
  readonly ratio: number | undefined
  readonly against: string | undefined
  readonly target: Target | undefined
  readonly isMet: boolean | undefined
}

export function answersTo(question: Question, figures: Figures): Answer[] {
  return question.rows.flatMap((row): Answer[] => {
    const own = figures.get(row.name)
    if (!own?.length) return []
    const base = row.against === undefined ? undefined : figures.get(row.against)
    const ratio = base && medianOf(own.map((figure, round) => figure / (base[round] ?? Number.NaN)))
    const { target, against } = row
    const reached = ratio ?? medianOf(own)
    const isMet = target && ('atLeast' in target ? reached >= target.atLeast : reached <= target.atMost)
    return [
      {
        row: row.name,
        median: medianOf(own),
        min: Math.min(...own),
        max: Math.max(...own),
        ratio,
        against,
        target,
        isMet,
      },
    ]
  })
}

export function medianOf(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The figure below which a share of all lie. */
export function quantileOf(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export function tableOf(question: Question, answers: readonly Answer[]): string {
  const show = (figure: number) =>
    figure.toLocaleString('en-US', {
      minimumFractionDigits: question.digits ?? 0,
      maximumFractionDigits: question.digits ?? 0,
    })
  const lines = answers.map((answer) => [
    answer.row,
    show(answer.median),
    show(answer.min),
    show(answer.max),
    answer.ratio === undefined ? '' : `${answer.ratio.toFixed(2)} × ${answer.against}`,
    answer.target === undefined ? '' : `${targetText(answer.target)} ${answer.isMet ? 'met' : 'NOT MET'}`,
  ])
  const head = [question.unit, 'median', 'min', 'max', 'ratio', 'target']
  const rows = [head, head.map(() => '---'), ...lines]
  const widths = head.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `| ${row.map((cell, column) => (column === 0 || column > 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`,
    )
    .join('\n')
}

function targetText(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
}
