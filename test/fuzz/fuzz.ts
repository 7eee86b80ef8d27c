/** Tries inputs of all kinds from outside, with figures: how many were taken and refused, the slowest one, the memory at its most. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chanceOf } from '../support/chance.js'
import { collectAll } from '../support/memory.js'
import { CommandLines } from './command-lines.js'
import { Directories } from './directories.js'
import { Lines } from './lines.js'
import { Messages } from './messages.js'
import { Port } from './port.js'
import { Records } from './records.js'
import type { Target, Verdict } from './target.js'
import { Values } from './values.js'

export interface Figures {
  taken: number
  refused: number
  /** Of one input. */
  slowestMs: number
  /** After a batch, over what it was before the first one. */
  grownMegabytes: number
}

/** In memory where there is such a place. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Far more than any input takes, on a machine that is busy with other things. */
const MOST_MS = 20_000
/** A leak of a few KB an input comes to this in seconds. */
const MOST_GROWN_MEGABYTES = 100

const TARGETS: Record<string, (seed: number, directory: string) => Target | Promise<Target>> = {
  values: (seed) => new Values(seed),
  records: (seed) => new Records(seed),
  messages: (seed) => new Messages(seed),
  port: (_seed, directory) => Port.open(directory),
  lines: (seed, directory) => new Lines(seed, directory),
  directories: (_seed, directory) => Directories.open(directory),
  commands: (_seed, directory) => new CommandLines(directory),
}

export const TARGET_NAMES = Object.keys(TARGETS)

/** Tries inputs until then, one batch at least. The same seed tries the same inputs. */
export async function fuzz(name: string, seed: number, until: number): Promise<Figures> {
  const directory = await mkdtemp(join(place, 'millrace-fuzz-'))
  try {
    const target = await TARGETS[name]?.(seed, directory)
    if (!target) throw new Error(`there is no target ${name}`)
    const figures = await tryBatches(target, seed, until)
    await target.close()
    return figures
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function tryBatches(target: Target, seed: number, until: number): Promise<Figures> {
  const chance = chanceOf(seed)
  const figures: Figures = { taken: 0, refused: 0, slowestMs: 0, grownMegabytes: 0 }
  // What is made once, such as compiled code and caches, is there after the first one.
  await tryBatch(target, chance, figures)
  const before = await megabytesInUse()
  do {
    await tryBatch(target, chance, figures)
    const grown = (await megabytesInUse()) - before
    figures.grownMegabytes = Math.max(figures.grownMegabytes, grown)
    if (grown > MOST_GROWN_MEGABYTES) throw new Error(`the memory has grown by ${grown} MB: ${target.last}`)
  } while (Date.now() < until)
  return figures
}

async function tryBatch(
  target: Target,
  chance: ReturnType<typeof chanceOf>,
  figures: Figures,
): Promise<void> {
  for (let count = 0; count < target.batch; count++) {
    const startedAt = performance.now()
    try {
      const verdict = await inTime(target.try(chance))
      figures[verdict === 'taken' ? 'taken' : 'refused']++
    } catch (cause) {
      throw new Error(`no clean error for ${target.last}`, { cause })
    }
    figures.slowestMs = Math.max(figures.slowestMs, performance.now() - startedAt)
  }
}

/** The verdict, if it comes in time. */
async function inTime(verdict: Verdict | Promise<Verdict>): Promise<Verdict> {
  if (verdict === 'taken' || 'refused' in verdict) return verdict
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it has taken more than ${MOST_MS} ms`)), MOST_MS)
  })
  try {
    return await Promise.race([verdict, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** What is referenced, in the heap and beside it. */
async function megabytesInUse(): Promise<number> {
  await collectAll()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}
