/**
 * The torture: a process enqueues and runs jobs at full speed and is killed at a random moment, many times on one directory,
 * in the end every job is accounted for.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { text } from 'node:stream/consumers'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { SoakOptions } from '../soak/part.js'
import { chanceOf } from '../support/chance.js'
import { inspect } from '../support/inspect.js'
import { account, type Crash } from './account.js'
import { readFacts } from './facts.js'
import type { LifeOptions } from './torture-life.js'

const LIFE = fileURLToPath(new URL('./torture-life.js', import.meta.url))
const MOST_COMPLAINTS = 10

export interface Round {
  readonly seed: number
  readonly kills: number
  /** How many jobs each life enqueues at most. */
  readonly jobsPerLife: number
  /** The longest life, in ms from the moment the queue is open (or begins to open). */
  readonly longestLife: number
}

export type Tally = Record<
  'kills' | 'acknowledged' | 'runs' | 'lost' | 'completed' | 'failed' | 'cancelled',
  number
>

/** The part of the soak: rounds of twenty kills, until the time is up. */
export async function torture({ seed, until }: SoakOptions): Promise<Record<string, number>> {
  const sum: Record<string, number> = { rounds: 0 }
  for (let round = 0; round === 0 || Date.now() < until; round++) {
    const tally = await tortureRound({ seed: seed + round, kills: 20, jobsPerLife: 4000, longestLife: 600 })
    for (const [name, count] of Object.entries({ rounds: 1, ...tally })) sum[name] = (sum[name] ?? 0) + count
  }
  return sum
}

/** Kills and restarts, lets the last life finish what is left, and accounts. Throws what does not fit. */
export async function tortureRound(round: Round): Promise<Tally> {
  const base = await mkdtemp(join(tmpdir(), 'millrace-torture-'))
  const directory = join(base, 'queue')
  const facts = join(base, 'facts')
  const crashes: Crash[] = []
  const problems: string[] = []
  for (let life = 1; life <= round.kills; life++) {
    await live(directory, facts, life, round)
    // Killed before the directory was a queue: looking into it would make LevelDB's files there.
    if (!existsSync(join(directory, 'MILLRACE'))) {
      crashes.push({ life, transit: [] })
      continue
    }
    const { transit, problems: found } = await inspect(directory)
    crashes.push({ life, transit })
    problems.push(...found.map((problem) => `after kill ${life}: ${problem}`))
  }
  await live(directory, facts, round.kills + 1, round)
  const { jobs, transit, problems: found } = await inspect(directory)
  const told = readFacts(facts)
  problems.push(...found, ...account({ facts: told, crashes, jobs }))
  if (transit.length > 0) problems.push('something is still in transit')
  if (problems.length > 0) {
    const shown = [...problems.slice(0, MOST_COMPLAINTS), `${problems.length} in all`].join('\n  ')
    throw new Error(`torture with seed ${round.seed} (see ${base}):\n  ${shown}`)
  }
  await rm(base, { recursive: true, force: true, maxRetries: 5 })
  const states = [...jobs.values()].map(({ state }) => state)
  const count = <T>(all: readonly T[], which: (each: T) => boolean) => all.filter(which).length
  return {
    kills: round.kills,
    acknowledged: count(told, ({ is }) => is === 'acknowledged'),
    runs: count(told, ({ is }) => is === 'run'),
    lost: crashes.reduce((sum, crash) => sum + crash.transit.flat().length, 0),
    completed: count(states, (state) => state === 'completed'),
    failed: count(states, (state) => state === 'failed'),
    cancelled: count(states, (state) => state === 'cancelled'),
  }
}

/** Runs a process until it is killed; the last one until it ends by itself. */
async function live(directory: string, facts: string, life: number, round: Round): Promise<void> {
  const { seed, kills, jobsPerLife, longestLife } = round
  const chance = chanceOf(seed * 1000 + life)
  const isLast = life > kills
  const options: LifeOptions = {
    seed: chance.below(2 ** 32),
    jobs: jobsPerLife,
    maxWorkers: chance.is(0.5) ? 1 : 2 + chance.below(2),
    durability: chance.is(0.3) ? 'disk' : 'process',
    cancels: chance.is(0.3),
    isLast,
  }
  // One in five is killed while it opens, or soon after.
  const killedFrom = chance.is(0.2) ? 'opening' : 'open'
  const killedAfter = chance.below(killedFrom === 'opening' ? 40 : longestLife)
  const child = spawn(execPath, [LIFE, directory, JSON.stringify(options)], {
    env: { ...process.env, TORTURE_FACTS: facts, TORTURE_LIFE: String(life) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const errors = text(child.stderr)
  child.stdout.setEncoding('utf8')
  let said = ''
  child.stdout.on('data', (data: string) => {
    const wasSaid = said.includes(`${killedFrom}\n`)
    said += data
    if (isLast || wasSaid || !said.includes(`${killedFrom}\n`)) return
    void after(killedAfter).then(() => child.kill('SIGKILL'))
  })
  const [code, signal] = await ended
  if (isLast ? code !== 0 : signal !== 'SIGKILL')
    throw new Error(`torture with seed ${seed}: life ${life} ended with ${signal ?? code}: ${await errors}`)
}
