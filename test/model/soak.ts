/** Sequence after sequence of random steps against a LevelDB store and the model. */
import { cpSync, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { LevelStore } from '../../src/store/level/level-store.js'
import type { SoakPart } from '../soak/part.js'
import { levelOptions } from '../support/store.js'
import { Model } from './model.js'
import { Pair, type Real } from './pair.js'
import { LANES, type Sequence, sequence } from './steps.js'

/** In memory where there is such a place: a crash of the process alone asks nothing of the disk. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const YEAR_MS = 365 * 24 * 3_600_000

const PORTION = 50

/** The part of the soak: portions of sequences, until the time is up. */
export const modelSoak: SoakPart = async ({ seed, until }) => {
  const sum = { sequences: 0, steps: 0 }
  for (let portion = 0; portion === 0 || Date.now() < until; portion++) {
    const { sequences, steps } = await runSequences({ seed: seed + portion, count: PORTION })
    sum.sequences += sequences
    sum.steps += steps
  }
  return sum
}

/** Runs so many sequences. Throws the shortest that shows a difference, with the seed that leads to it. */
export async function runSequences({ seed, count }: { seed: number; count: number }) {
  const parent = await mkdtemp(join(place, 'millrace-model-'))
  try {
    const template = join(parent, 'template')
    await (await LevelStore.open(template, levelOptions({}))).store.close()
    let [sequences, steps] = [0, 0]
    const property = fc.asyncProperty(sequence, async (each) => {
      const directory = join(parent, `${++sequences}`)
      steps += each.steps.length
      // Copied: making a new one waits for the disk several times.
      cpSync(template, directory, { recursive: true })
      await runSequence(directory, each)
    })
    await fc.assert(property, { seed, numRuns: count, includeErrorInReport: true })
    return { sequences, steps }
  } finally {
    await rm(parent, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function runSequence(directory: string, { keep, steps }: Sequence): Promise<void> {
  const kept = (count: number) => ({ count, age: YEAR_MS })
  const options = levelOptions({
    keep: { completed: kept(keep.completed), failed: kept(keep.failed), cancelled: kept(keep.cancelled) },
  })
  const files = new Files(directory)
  const real = await open(files, options)
  const pair = new Pair(real, new Model(keep), LANES)
  try {
    for (const step of steps) await pair.take(step)
  } finally {
    await pair.close()
    await files.remove()
  }
}

/** A directory, and after each crash the copy that takes its place. */
class Files {
  #directory: string
  #copies = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  get current(): string {
    return `${this.#directory}${this.#copies > 0 ? `-${this.#copies}` : ''}`
  }

  /** In one turn of the event loop: what a process that dies now leaves behind. */
  copy(): void {
    const before = this.current
    this.#copies++
    cpSync(before, this.current, { recursive: true })
  }

  async remove(): Promise<void> {
    for (; this.#copies >= 0; this.#copies--) await rm(this.current, { recursive: true, force: true })
  }
}

async function open(files: Files, options: ReturnType<typeof levelOptions>): Promise<Real> {
  const { store, recovered } = await LevelStore.open(files.current, options)
  return {
    store,
    recovered,
    async reopen() {
      await store.close()
      return open(files, options)
    },
    async crash() {
      files.copy()
      await store.close()
      return open(files, options)
    },
  }
}
