/** Answers as a Markdown table. */
import type { Absence, Answer } from './answer.js'
import type { Target } from './question.js'

const COLUMNS = ['median', 'min', 'max', 'ratio', 'target'] as const
/** Figures stand to the right of their columns, texts to the left. */
const isFigure = (column: number) => column > 0 && column <= 3

export function tableOf(
  unit: string,
  digits: number,
  answers: readonly Answer[],
  absences: readonly Absence[] = [],
): string {
  const show = (figure: number) =>
    figure.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  const lines = answers.map(({ row, median, min, max, ratio, against, target, isMet }) => [
    row,
    show(median),
    show(min),
    show(max),
    ratio === undefined ? '' : `${ratio.toFixed(2)} × ${against}`,
    target === undefined ? '' : `${targetText(target)}${verdictText(isMet)}`,
  ])
  const absent = absences.map(({ row, missing }) => [row, '', '', '', `not installed: ${missing}`, ''])
  const head = [unit, ...COLUMNS]
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...[...lines, ...absent].map((line) => (line[column] ?? '').length)),
  )
  const rule = widths.map((width, column) =>
    isFigure(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  const pad = (cell: string, column: number) =>
    isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
  return [head, rule, ...lines, ...absent].map((cells) => `| ${cells.map(pad).join(' | ')} |`).join('\n')
}

function verdictText(isMet: boolean | undefined): string {
  if (isMet === undefined) return ''
  return isMet ? ' met' : ' NOT MET'
}

function targetText(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
}
