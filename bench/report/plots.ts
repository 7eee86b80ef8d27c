/** The plots of the report: which answers they show, and how. */
import { type Answer, SHARES } from '../answer.js'
import { machineText, type Result, type Results } from '../results.js'
import { drawn, type Plot, type Point, type Series } from './plot.js'
import { fromZero, grouped, logarithmic, logarithmicBy, nines, places } from './scale.js'

/** The plots of all that was answered, by file name. */
export function plotsOf(results: Results): ReadonlyMap<string, string> {
  const plots = Object.entries({ throughput, cores, backlog, latency }).flatMap(([name, plot]) => {
    const drawing = plot(results)
    return drawing ? [[`${name}.svg`, drawn(drawing)] as const] : []
  })
  return new Map(plots)
}

const MILLRACE = '#0969da'
const BARE = '#8c6d1f'
const IDEAL = '#59636e'

/** Throughput by the duration of the jobs. */
function throughput({ throughput, durations }: Results): Plot | undefined {
  if (!throughput || !durations) return undefined
  const columns = [
    { label: 'no-op', of: throughput, own: 'enqueue', bare: 'Piscina, pipelined' },
    ...[1, 10, 100].map((ms) => ({
      label: `${ms} ms`,
      of: durations,
      own: `millrace, ${ms} ms`,
      bare: `raw Piscina, ${ms} ms`,
    })),
  ].map(({ label, of, own, bare }) => ({ label, own: answer(of, own), bare: answer(of, bare) }))
  const series = (name: 'own' | 'bare', shift: number): Point[] =>
    columns.flatMap((column, index) => {
      const found = column[name]
      return found ? [{ ...ranged(index + shift, found), label: shown(found.median) }] : []
    })
  const own = series('own', 0.06)
  const bare = series('bare', -0.06)
  const all = [...own, ...bare].map(({ y }) => y)
  return {
    title: 'Throughput by job duration',
    subtitle: 'Jobs per second of CPU-bound jobs on 2 threads; each enqueue fsynced, each outcome stored',
    x: {
      label: 'CPU time of a job; below it millrace’s throughput as a multiple of Piscina’s',
      scale: places(
        columns.map(({ label, own }) => ({
          label,
          note: own?.ratio ? `${own.ratio.toFixed(2)} × Piscina` : '',
        })),
      ),
    },
    y: { label: 'jobs per second (logarithmic)', scale: logarithmic(Math.min(...all), Math.max(...all)) },
    series: [
      { name: 'Piscina alone, nothing stored', color: BARE, as: 'points', labels: 'left', points: bare },
      { name: 'millrace, durable to disk', color: MILLRACE, as: 'points', labels: 'right', points: own },
    ],
    captions: [...new Set([throughput, durations].map((result) => captionOf(result, RANGE)))],
  }
}

/** What share of their time threads are at work, by how many there are. */
function cores({ cores: result }: Results): Plot | undefined {
  if (!result) return undefined
  const threads = [8, 32, 64, 128]
  const lines = [
    { of: '', subject: 'by hand', name: 'worker_threads by hand', color: IDEAL },
    { of: ', 64 each', subject: 'Piscina', name: 'Piscina alone', color: BARE },
    { of: ', 64 each', subject: 'millrace', name: 'millrace, durable to disk', color: MILLRACE },
  ]
  const series = [10, 1].flatMap((ms) =>
    lines.map(({ of, subject, name, color }): Series => {
      const points = threads.flatMap((count) => {
        const found = answer(result, `${ms} ms × ${count}${of}: ${subject}`)
        return found ? [ranged(count, found)] : []
      })
      return { name, color, isDashed: ms === 1, as: 'both', points }
    }),
  )
  if (series.every(({ points }) => points.length === 0)) return undefined
  return {
    title: 'Throughput by number of threads',
    subtitle:
      'Share of the threads’ time that jobs get. Jobs sleep for 10 ms (solid) or 1 ms (dashed) in place of working',
    x: {
      label: 'threads (logarithmic)',
      scale: logarithmicBy(threads.map((value) => ({ value, label: `${value}` }))),
    },
    y: { label: '% of threads ÷ duration', scale: fromZero(100) },
    series: series.filter(({ points }) => points.length > 0),
    captions: [captionOf(result, RANGE)],
  }
}

/** What a job costs by how many wait. */
function backlog({ 'backlog-cost': result }: Results): Plot | undefined {
  if (!result) return undefined
  const sizes: [row: string, jobs: number][] = [
    ['1 thousand', 1e3],
    ['100 thousand', 1e5],
    ['1 million', 1e6],
    ['10 million', 1e7],
  ]
  const points = sizes.flatMap(([size, jobs]) => {
    const found = answer(result, `${size} waiting`)
    return found ? [{ ...ranged(jobs, found), label: `${found.median.toFixed(1)} µs` }] : []
  })
  const base = answer(result, '1 thousand waiting')?.median
  if (base === undefined) return undefined
  const most = Math.max(1.15 * base, ...points.map(({ y, range }) => range?.[1] ?? y))
  return {
    title: 'Cost of a job by the size of the backlog',
    subtitle: 'Time per no-op job at full speed, with so many others waiting; durable to disk',
    x: {
      label: 'jobs waiting (logarithmic)',
      scale: logarithmicBy(sizes.map(([label, value]) => ({ label, value }))),
    },
    y: { label: 'µs per job', scale: fromZero(1.1 * most) },
    series: [{ name: 'millrace', color: MILLRACE, as: 'both', points }],
    band: { from: 0.85 * base, to: 1.15 * base, label: 'within 15 % of the first' },
    captions: [captionOf(result, RANGE)],
  }
}

/** How long acknowledgements take, from the best to the worst. */
function latency({ latency: result }: Results): Plot | undefined {
  if (!result) return undefined
  const lines: (Omit<Series, 'as' | 'points'> & { row: string })[] = [
    { row: 'acknowledged', name: "enqueue, 'disk'", color: MILLRACE },
    { row: 'LevelDB put, synced', name: 'LevelDB put, synced', color: BARE },
    {
      row: "acknowledged, durability 'process'",
      name: "enqueue, 'process'",
      color: MILLRACE,
      isDashed: true,
    },
    { row: 'LevelDB put', name: 'LevelDB put', color: BARE, isDashed: true },
  ]
  const series = lines.flatMap(({ row, ...line }): Series[] => {
    const quantiles = answer(result, row)?.quantiles
    if (!quantiles) return []
    return [{ ...line, as: 'line', points: quantiles.map((y, index) => ({ x: SHARES[index] ?? 0, y })) }]
  })
  const all = series.flatMap(({ points }) => points.map(({ y }) => y))
  if (all.length === 0) return undefined
  return {
    title: 'Latency of one enqueue on an idle queue',
    subtitle: 'From the call to its acknowledgement, each awaited before the next, beside a bare LevelDB put',
    x: { label: 'share of calls that were at least as fast', scale: nines() },
    y: { label: 'µs (logarithmic)', scale: logarithmic(Math.min(...all), Math.max(...all)) },
    series,
    captions: [captionOf(result)],
  }
}

function shown(rate: number): string {
  return rate < 100 ? rate.toFixed(1) : grouped(rate)
}

function answer({ answers }: Result, row: string): Answer | undefined {
  return answers.find((each) => each.row === row)
}

function ranged(x: number, { median, min, max, rounds }: Answer): Point {
  return { x, y: median, ...(rounds > 1 && { range: [min, max] as const }) }
}

const RANGE = 'medians, and the range of all'

function captionOf({ measured }: Result, shown?: string): string {
  const { rounds, quick, date } = measured
  const extent = rounds === 1 ? '1 round' : `${rounds} rounds${shown === undefined ? '' : `: ${shown}`}`
  return `${machineText(measured)}. ${extent}${quick ? ', quick' : ''}. ${date}`
}
