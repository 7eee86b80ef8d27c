/** All answers as a document: what the forge shows of the folder that they are in. */
import { machineText, type Results } from '../results.js'
import { tableOf } from '../table.js'

export function tablesOf(results: Results, plots: Iterable<string>): string {
  const sections = Object.entries(results).map(([name, result]) => {
    const { title, how, unit, digits, measured, answers, absences } = result
    const { date, rounds, quick } = measured
    const extent = `${rounds === 1 ? '1 round' : `${rounds} rounds`}${quick ? ', quick' : ''}`
    return `## ${title} (${name})\n\n${how}\n\n${tableOf(unit, digits, answers, absences)}\n\n${machineText(measured)}; ${extent}; ${date}\n`
  })
  const images = [...plots].map((file) => `![${file.replace('.svg', '')}](${file})\n`)
  return [HEAD, ...images, ...sections].join('\n')
}

const HEAD = `# What the benches gave

Written by \`npm run bench:report\` from the JSON files in this folder; see [CONTRIBUTING.md](../../CONTRIBUTING.md). Ratios are
medians of the ratios of each round.
`
