/** Breakdowns side by side as a Markdown table, and its place in a document. */
import type { Breakdown } from './break-down.js'

const BEGIN = '<!-- breakdown -->'
const END = '<!-- end of breakdown -->'

/** A column for each breakdown. What is below a hundredth of a microsecond in all of them is left out. */
export function breakdownTable(columns: ReadonlyMap<string, Breakdown>): string {
  const all = [...columns.values()]
  const areas = [...new Set(all.flatMap((each) => [...each.areas.keys()]))]
    .map((area) => ({ area, us: all.map((each) => each.areas.get(area) ?? 0) }))
    .filter(({ us }) => us.some((each) => each >= 0.01))
    .sort((one, other) => (other.us[0] ?? 0) - (one.us[0] ?? 0))
  const line = (name: string, us: readonly number[]) =>
    `| ${name} | ${us.map((each) => each.toFixed(2)).join(' | ')} |`
  return [
    `| µs per job | ${[...columns.keys()].join(' | ')} |`,
    `|---|${all.map(() => '---:|').join('')}`,
    line(
      'from one job to the next',
      all.map(({ wall }) => wall),
    ),
    line(
      'CPU of all threads but the main one',
      all.map(({ otherThreads }) => otherThreads),
    ),
    line(
      '**CPU of the main thread**',
      all.map(({ mainThread }) => mainThread),
    ),
    ...areas.map(({ area, us }) => line(area, us)),
  ].join('\n')
}

/** The document with this text between the marks that it has. */
export function withBreakdown(document: string, text: string): string {
  const from = document.indexOf(BEGIN)
  const to = document.indexOf(END)
  if (from < 0 || to < from) throw new Error(`the document has no place between ${BEGIN} and ${END}`)
  return `${document.slice(0, from + BEGIN.length)}\n\n${text}\n\n${document.slice(to)}`
}
