import { randomInt } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { FLOODS } from './floods.js'
import { runFlood } from './run-flood.js'

/** The short form of a flood: fails on a lost job, one that ran twice, and memory beyond what is promised. */
async function flood(t: TestContext, name: string): Promise<void> {
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const report = await runFlood({ name, size: FLOODS[name]?.size.short ?? 0, seed, mostMs: 60_000 })
  t.diagnostic(JSON.stringify(report))
}

test('more callers than the backlog holds, all at once, come in one after another, and every job runs once', (t) =>
  flood(t, 'wait'))

test('what is refused in a flood does not run, and everything else runs once', (t) => flood(t, 'reject'))

test('every job of a great backlog runs once', (t) => flood(t, 'backlog'))

test('jobs that fall due in the same millisecond run once each, none too early', (t) => flood(t, 'due'))

test('of jobs that are enqueued twice at once under one key, each runs once', (t) => flood(t, 'keys'))

test('an input and an output of 50 MB arrive as they left', (t) => flood(t, 'large'))
