import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawn, type Plot } from '../../bench/report/plot.js'
import { fromZero, logarithmic, logarithmicBy, nines, places, type Scale } from '../../bench/report/scale.js'

const near = (one: number, other: number) => Math.abs(one - other) < 1e-9

function assertAt(scale: Scale, expected: readonly (readonly [value: number, at: number])[]): void {
  for (const [value, at] of expected)
    assert.ok(near(scale.at(value), at), `${value} is at ${scale.at(value)}, not at ${at}`)
}

function ticks(scale: Scale): string[] {
  return scale.ticks.map(({ label }) => label)
}

test('a scale says where a value stands, as a share of the axis', () => {
  const linear = fromZero(96)
  assert.deepEqual(ticks(linear), ['0', '20', '40', '60', '80', '100'])
  assertAt(linear, [
    [0, 0],
    [25, 0.25],
    [100, 1],
  ])
  const powers = logarithmic(20, 5000)
  assert.deepEqual(ticks(powers), ['10', '100', '1,000', '10,000'])
  assertAt(powers, [
    [10, 0],
    [100, 1 / 3],
    [10_000, 1],
  ])
  const given = logarithmicBy([8, 32, 128].map((value) => ({ value, label: `${value}` })))
  assertAt(given, [
    [8, 0.06],
    [32, 0.5],
    [128, 0.94],
  ])
  assertAt(places([{ label: 'one' }, { label: 'other' }]), [
    [0, 0.25],
    [1, 0.75],
  ])
  assertAt(nines(), [
    [0, 0],
    [0.9, 1 / 3],
    [0.999, 1],
  ])
})

const PLOT: Plot = {
  title: 'More and less',
  subtitle: '',
  x: { label: 'x', scale: fromZero(10) },
  y: { label: 'y', scale: fromZero(10) },
  series: [
    { name: 'one', color: '#111111', as: 'both', points: [{ x: 0, y: 0 }] },
    { name: 'one', color: '#222222', isDashed: true, as: 'both', points: [{ x: 10, y: 10, range: [5, 10] }] },
  ],
  captions: [],
}

test('a point stands where the scales say: more is to the right, and further up', () => {
  const circles = [...drawn(PLOT).matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [x, y])
  // The first one is the legend's.
  assert.deepEqual(circles.slice(1), [
    ['96', '348'],
    ['724', '104'],
  ])
})

test('a range is drawn from its low end to its high end', () => {
  assert.match(drawn(PLOT), /d="M720 226h8M724 226V104M720 104h8"/)
})

test('series of one name have one entry in the legend', () => {
  assert.equal(drawn(PLOT).match(/>one</g)?.length, 1)
})

test('entries of the legend stand side by side', () => {
  const [one] = PLOT.series
  assert.ok(one)
  const svg = drawn({ ...PLOT, series: [one, { ...one, name: 'another' }, { ...one, name: 'third' }] })
  const places = [...svg.matchAll(/translate\((\d+) 80\)/g)].map(([, x]) => Number(x))
  assert.deepEqual(places, [24, 98, 201])
})
