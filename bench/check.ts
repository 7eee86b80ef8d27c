/**
 * Whether answers are worse than earlier ones.
 *
 * Ratios are compared, for they hang little on the machine, and of the figures without one those that are steady. A ratio is
 * worse if it lies beyond the earlier one by more than a share of it, to the side that is not better.
 */
import type { Answer } from './answer.js'
import type { Better } from './question.js'
import type { Results } from './results.js'

export interface Comparison {
  readonly compared: readonly Compared[]
  readonly passedOver: readonly PassedOver[]
}

export interface Compared {
  readonly question: string
  readonly row: string
  readonly what: 'ratio' | 'figure'
  readonly earlier: number
  readonly now: number
  readonly better: Better
  readonly isWorse: boolean
}

export interface PassedOver {
  readonly question: string
  readonly row: string
  readonly why: string
}

/** Compares each row that there is `now` with that of the same name in `earlier`. */
export function compare(earlier: Results, now: Results, tolerance: number): Comparison {
  const compared: Compared[] = []
  const passedOver: PassedOver[] = []
  for (const [question, { better: betterOfAll, measured, answers }] of Object.entries(now)) {
    const before = earlier[question]
    for (const answer of answers) {
      const { row, better = betterOfAll } = answer
      const old = before?.answers.find((each) => each.row === row)
      if (before && before.measured.quick !== measured.quick)
        passedOver.push({ question, row, why: 'one of the two runs was a quick one' })
      else if (better === 'neither')
        passedOver.push({ question, row, why: 'it is about others than millrace' })
      else if (!old) passedOver.push({ question, row, why: 'it is new' })
      else if (old.against !== answer.against)
        passedOver.push({ question, row, why: 'it was compared with another row then' })
      else if (answer.ratio === undefined && !answer.isSteady)
        passedOver.push({ question, row, why: 'it has no ratio, and its figure hangs on the machine' })
      else compared.push({ question, row, better, ...judge(old, answer, better, tolerance) })
    }
  }
  return { compared, passedOver }
}

function judge(old: Answer, answer: Answer, better: Better, tolerance: number) {
  const what: Compared['what'] = answer.ratio === undefined ? 'figure' : 'ratio'
  const earlier = old.ratio ?? old.median
  const now = answer.ratio ?? answer.median
  // Put so that a ratio that is no number is worse.
  const isWithin = better === 'more' ? now >= earlier * (1 - tolerance) : now <= earlier * (1 + tolerance)
  return { what, earlier, now, isWorse: !isWithin }
}

/** Nothing is worse, and something was looked at. */
export function passes({ compared }: Comparison): boolean {
  return compared.length > 0 && compared.every(({ isWorse }) => !isWorse)
}

/** The comparison in words, a line for each row. */
export function comparisonText(comparison: Comparison, tolerance: number): string {
  const { compared, passedOver } = comparison
  const worse = compared.filter(({ isWorse }) => isWorse)
  const lines = compared.map(({ question, row, what, earlier, now, better, isWorse }) => {
    const change = `${what} ${shown(now)}, was ${shown(earlier)} (${signed(now / earlier - 1)}, ${better} is better)`
    return `${isWorse ? 'WORSE' : 'ok   '} ${question}: ${row}: ${change}`
  })
  const left = passedOver.map(({ question, row, why }) => `-     ${question}: ${row}: not compared, ${why}`)
  const names = worse.map(({ question, row }) => `${question}: ${row}`)
  const verdict =
    compared.length === 0
      ? 'Nothing could be compared.'
      : `${compared.length} rows compared, ${worse.length} worse by more than ${Math.round(tolerance * 100)} %${names.length > 0 ? `:\n  ${names.join('\n  ')}` : '.'}`
  return [...lines, ...left, '', verdict].join('\n')
}

function shown(figure: number): string {
  return Math.abs(figure) < 100 ? figure.toFixed(3) : figure.toFixed(1)
}

function signed(change: number): string {
  return `${change < 0 ? '−' : '+'}${Math.abs(change * 100).toFixed(1)} %`
}
