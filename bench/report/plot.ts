/** A plot: points in a frame of two axes, with a title, a legend and a caption. On a light ground, so that it suits any page. */
import type { Scale } from './scale.js'
import { element, pathThrough, words } from './svg.js'

export interface Plot {
  readonly title: string
  readonly subtitle: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  readonly band?: Band
  /** On what it was measured, a line each. */
  readonly captions: readonly string[]
}

export interface Axis {
  readonly label: string
  readonly scale: Scale
}

export interface Series {
  /** Series that share a name share an entry of the legend, that of the first. */
  readonly name: string
  readonly color: string
  readonly isDashed?: boolean
  /** As a line through the points, as marked points, or both. */
  readonly as: 'line' | 'points' | 'both'
  /** On which side of the points their labels stand. Default above. */
  readonly labels?: 'left' | 'right'
  readonly points: readonly Point[]
}

export interface Point {
  readonly x: number
  readonly y: number
  /** From where to where the rounds ranged. */
  readonly range?: readonly [low: number, high: number]
  readonly label?: string
}

/** A range of the y axis that is shaded. */
export interface Band {
  readonly from: number
  readonly to: number
  readonly label: string
}

const WIDTH = 760
const HEIGHT = 456
const LEFT = 96
const RIGHT = 724
const TOP = 104
const BOTTOM = 348
const INK = '#1f2328'
const FAINT_INK = '#59636e'
const GRID = '#d8dee4'
const BAND = '#d3f0dc'
const FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"

export function drawn({ title, subtitle, x, y, series, band, captions }: Plot): string {
  const xAt = (value: number) => LEFT + x.scale.at(value) * (RIGHT - LEFT)
  const yAt = (value: number) => BOTTOM - y.scale.at(value) * (BOTTOM - TOP)
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      role: 'img',
      'font-family': FONT,
      'font-size': 13,
      fill: INK,
    },
    element('title', {}, title),
    element('rect', {
      x: 0.5,
      y: 0.5,
      width: WIDTH - 1,
      height: HEIGHT - 1,
      rx: 6,
      fill: '#ffffff',
      stroke: GRID,
    }),
    words(title, { x: 24, y: 34, 'font-size': 18, 'font-weight': 600 }),
    words(subtitle, { x: 24, y: 56, fill: FAINT_INK }),
    ...legend(series, band),
    ...(band ? [bandOf(band, yAt)] : []),
    ...xAxis(x, xAt),
    ...yAxis(y, yAt),
    ...series.flatMap((each) => seriesOf(each, xAt, yAt)),
    ...captions.map((caption, index) =>
      words(caption, {
        x: 24,
        y: HEIGHT - 16 - 15 * (captions.length - 1 - index),
        'font-size': 11,
        fill: FAINT_INK,
      }),
    ),
  )}\n`
}

type At = (value: number) => number

function legend(series: readonly Series[], band: Band | undefined): string[] {
  const isFirst = ({ name }: Series, index: number) =>
    series.findIndex((each) => each.name === name) === index
  const entries = [
    ...series.filter(isFirst).map(({ name, color, isDashed, as }) => {
      const line = { d: 'M0 0h24', stroke: color, 'stroke-width': 2.5, ...dashes(isDashed) }
      const dot = element('circle', { cx: 12, cy: 0, r: 5, fill: color })
      return {
        name,
        swatch: [...(as === 'points' ? [] : [element('path', line)]), ...(as === 'line' ? [] : [dot])],
      }
    }),
    ...(band
      ? [{ name: band.label, swatch: [element('rect', { x: 0, y: -7, width: 24, height: 14, fill: BAND })] }]
      : []),
  ]
  let x = 24
  return entries.map(({ name, swatch }) => {
    const transform = `translate(${x} 80)`
    // A letter is about so wide.
    x += 32 + Math.round(7.3 * name.length) + 20
    return element('g', { transform }, ...swatch, words(name, { x: 32, y: 4.5 }))
  })
}

function bandOf({ from, to }: Band, yAt: At): string {
  const height = yAt(from) - yAt(to)
  return element('rect', { x: LEFT, y: yAt(to), width: RIGHT - LEFT, height, fill: BAND })
}

function xAxis({ label, scale }: Axis, xAt: At): string[] {
  return [
    element('path', { d: `M${LEFT} ${BOTTOM}H${RIGHT}`, stroke: FAINT_INK }),
    ...scale.ticks.flatMap(({ value, label: tick, note }) => [
      element('path', { d: `M${xAt(value)} ${BOTTOM}v5`, stroke: FAINT_INK }),
      words(tick, { x: xAt(value), y: BOTTOM + 20, 'text-anchor': 'middle' }),
      ...(note === undefined
        ? []
        : [words(note, { x: xAt(value), y: BOTTOM + 36, 'text-anchor': 'middle', fill: FAINT_INK })]),
    ]),
    words(label, {
      x: (LEFT + RIGHT) / 2,
      y: BOTTOM + (scale.ticks.some(({ note }) => note !== undefined) ? 58 : 44),
      'text-anchor': 'middle',
      fill: FAINT_INK,
    }),
  ]
}

function yAxis({ label, scale }: Axis, yAt: At): string[] {
  const middle = (TOP + BOTTOM) / 2
  return [
    ...scale.ticks.flatMap(({ value, label: tick }) => [
      element('path', { d: `M${LEFT} ${yAt(value)}H${RIGHT}`, stroke: GRID }),
      words(tick, { x: LEFT - 9, y: yAt(value) + 4.5, 'text-anchor': 'end' }),
    ]),
    words(label, {
      x: 24,
      y: middle,
      'text-anchor': 'middle',
      fill: FAINT_INK,
      transform: `rotate(-90 24 ${middle})`,
    }),
  ]
}

function seriesOf({ color, isDashed, as, labels, points }: Series, xAt: At, yAt: At): string[] {
  const places = points.map(({ x, y }) => [xAt(x), yAt(y)] as const)
  const line = element('path', {
    d: pathThrough(places),
    fill: 'none',
    stroke: color,
    'stroke-width': 2.5,
    'stroke-linejoin': 'round',
    ...dashes(isDashed),
  })
  const marks = points.flatMap(({ x, y, range, label }) => [
    ...(range ? [whisker(xAt(x), yAt(range[0]), yAt(range[1]), color)] : []),
    element('circle', { cx: xAt(x), cy: yAt(y), r: 5, fill: color, stroke: '#ffffff', 'stroke-width': 1 }),
    ...(label === undefined ? [] : [pointLabel(label, xAt(x), yAt(labels ? y : (range?.[1] ?? y)), labels)]),
  ])
  return [...(as === 'points' ? [] : [line]), ...(as === 'line' ? [] : marks)]
}

function whisker(x: number, low: number, high: number, color: string): string {
  return element('path', {
    d: `M${x - 4} ${low}h8M${x} ${low}V${high}M${x - 4} ${high}h8`,
    stroke: color,
    'stroke-width': 1.5,
    fill: 'none',
  })
}

function pointLabel(label: string, x: number, y: number, side: Series['labels']): string {
  // Lines that pass behind it leave a gap.
  const halo = { stroke: '#ffffff', 'stroke-width': 4, 'stroke-linejoin': 'round', 'paint-order': 'stroke' }
  if (side === undefined) return words(label, { x, y: y - 13, 'text-anchor': 'middle', ...halo })
  const isLeft = side === 'left'
  const anchor = isLeft ? 'end' : 'start'
  return words(label, { x: x + (isLeft ? -12 : 12), y: y + 4.5, 'text-anchor': anchor, ...halo })
}

function dashes(isDashed: boolean | undefined) {
  return isDashed ? { 'stroke-dasharray': '6 4' } : undefined
}
