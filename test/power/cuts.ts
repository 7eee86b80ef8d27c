/** Power cuts at many moments of one recorded run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chance, chanceOf } from '../support/chance.js'
import { assertKept, assertOneMoment, assertRunsOn, assertSaved, jobsIn, promisedBefore } from './check.js'
import { diskAfter } from './disk.js'
import { type Event, type Recording, record } from './recording.js'

const LOAD = new URL('./load.js', import.meta.url)

export interface Load {
  readonly durability: 'disk' | 'process'
  readonly seed: number
  readonly rounds: number
  /** How many bytes a large input has. */
  readonly large: number
}

export interface Recorded {
  readonly load: Load
  readonly recording: Recording
  /** Where there is room for copies of its directory. */
  readonly home: string
}

/** Records one run and gives it to `use`; nothing of it is left afterwards. */
export async function withRecording<T>(load: Load, use: (recorded: Recorded) => Promise<T>): Promise<T> {
  const { durability, seed, rounds, large } = load
  const home = await mkdtemp(join(tmpdir(), 'millrace-power-'))
  try {
    const recording = await record(home, LOAD, [durability, seed, rounds, large].map(String))
    return await use({ load, recording, home })
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Some moments: half of them anywhere, half where LevelDB changes its files. */
export function moments(events: readonly Event[], count: number, chance: Chance): number[] {
  const changes = events.flatMap((event, index) =>
    event.what === 'create' || event.what === 'rename' || event.what === 'unlink' ? [index] : [],
  )
  return Array.from({ length: count }, (_, index) =>
    index % 2 === 0
      ? 1 + chance.below(events.length)
      : Math.min(events.length, (changes[chance.below(changes.length)] ?? 0) + chance.below(40)),
  )
}

export interface Tried {
  cuts: number
  /** Acknowledged jobs that were looked for, and how many of them were lost. */
  jobs: number
  lost: number
  /** Reported outcomes that were looked for. */
  outcomes: number
  /** Acknowledged checkpoints that were looked for. */
  checkpoints: number
}

/** Cuts the power at each moment, and checks what a disk may have kept. Every `runOnEvery`th is then worked off. */
export async function tryCuts(
  { recording, home, load }: Recorded,
  cuts: readonly number[],
  chance: Chance,
  runOnEvery: number,
): Promise<Tried> {
  const tried: Tried = { cuts: 0, jobs: 0, lost: 0, outcomes: 0, checkpoints: 0 }
  for (const cut of cuts) {
    const seed = chance.below(2 ** 31)
    const directory = join(home, `cut-${cut}-${seed}`)
    try {
      await diskAfter(recording, cut, chanceOf(seed), directory)
      const promised = promisedBefore(recording, cut)
      const jobs = await jobsIn(directory)
      if (load.durability === 'disk') {
        assertKept(jobs, promised)
        await assertSaved(directory, promised)
      } else assertOneMoment(jobs, promised)
      if (tried.cuts % runOnEvery === 0) await assertRunsOn(directory)
      tried.cuts++
      tried.jobs += promised.added.size
      tried.lost += [...promised.added.keys()].filter((id) => !jobs.has(id)).length
      tried.outcomes += promised.finished.size
      tried.checkpoints += promised.saved.size
    } catch (error) {
      const where = `after event ${cut} of ${recording.events.length}, choices from seed ${seed}`
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  return tried
}
